CREATE TABLE "call_parties" (
	"call_id" uuid NOT NULL,
	"user_id" text NOT NULL,
	"state" text NOT NULL,
	"position" integer NOT NULL,
	"deadline_at" timestamp (3) with time zone,
	CONSTRAINT "call_parties_call_id_user_id_pk" PRIMARY KEY("call_id","user_id")
);
--> statement-breakpoint
CREATE TABLE "calls" (
	"call_id" uuid PRIMARY KEY NOT NULL,
	"room_id" uuid,
	"conversation_id" uuid,
	"caller_id" text NOT NULL,
	"appointment_id" text,
	"type" text NOT NULL,
	"status" text NOT NULL,
	"end_reason" text,
	"ended_by" text,
	"answered_by" text,
	"initiated_at" timestamp (3) with time zone NOT NULL,
	"ringing_at" timestamp (3) with time zone,
	"accepted_at" timestamp (3) with time zone,
	"connected_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	"deadline_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "notification_settings" (
	"user_id" text PRIMARY KEY NOT NULL,
	"push" boolean DEFAULT true NOT NULL,
	"email" boolean DEFAULT true NOT NULL,
	"email_address" text,
	"show_content" boolean DEFAULT false NOT NULL,
	"quiet_from" text,
	"quiet_to" text,
	"quiet_time_zone" text
);
--> statement-breakpoint
CREATE TABLE "notification_topics" (
	"topic" text NOT NULL,
	"user_id" text NOT NULL,
	CONSTRAINT "notification_topics_topic_user_id_pk" PRIMARY KEY("topic","user_id")
);
--> statement-breakpoint
CREATE TABLE "notifications" (
	"notification_id" uuid PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"type" text NOT NULL,
	"priority" text NOT NULL,
	"topic" text,
	"key_id" text NOT NULL,
	"sealed" "bytea" NOT NULL,
	"dedupe_key" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"read_at" timestamp (3) with time zone,
	CONSTRAINT "notifications_dedupe" UNIQUE("user_id","dedupe_key")
);
--> statement-breakpoint
CREATE TABLE "push_subscriptions" (
	"subscription_id" uuid PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"endpoint" text NOT NULL,
	"p256dh" text NOT NULL,
	"auth" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "push_subscriptions_endpoint_unique" UNIQUE("endpoint")
);
--> statement-breakpoint
CREATE TABLE "servers" (
	"server_id" uuid PRIMARY KEY NOT NULL,
	"url" text NOT NULL,
	"started_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "user_presence" (
	"user_id" text PRIMARY KEY NOT NULL,
	"status" text,
	"note" text,
	"ends_at" timestamp (3) with time zone,
	"last_seen_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "room_participants" ADD COLUMN "server_id" uuid;--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "conversation_id" uuid;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "token_email" text;--> statement-breakpoint
ALTER TABLE "call_parties" ADD CONSTRAINT "call_parties_call_id_calls_call_id_fk" FOREIGN KEY ("call_id") REFERENCES "public"."calls"("call_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "calls" ADD CONSTRAINT "calls_room_id_rooms_room_id_fk" FOREIGN KEY ("room_id") REFERENCES "public"."rooms"("room_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "calls" ADD CONSTRAINT "calls_conversation_id_conversations_conversation_id_fk" FOREIGN KEY ("conversation_id") REFERENCES "public"."conversations"("conversation_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "call_parties_user" ON "call_parties" USING btree ("user_id","call_id");--> statement-breakpoint
CREATE INDEX "call_parties_engaged" ON "call_parties" USING btree ("user_id") WHERE state in ('ringing', 'joined');--> statement-breakpoint
CREATE INDEX "call_parties_deadline" ON "call_parties" USING btree ("deadline_at") WHERE deadline_at is not null;--> statement-breakpoint
CREATE INDEX "calls_room" ON "calls" USING btree ("room_id");--> statement-breakpoint
CREATE INDEX "calls_initiated" ON "calls" USING btree ("initiated_at");--> statement-breakpoint
CREATE INDEX "calls_deadline" ON "calls" USING btree ("deadline_at") WHERE deadline_at is not null;--> statement-breakpoint
CREATE INDEX "notification_topics_user" ON "notification_topics" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "notifications_user" ON "notifications" USING btree ("user_id","notification_id");--> statement-breakpoint
CREATE INDEX "notifications_unread" ON "notifications" USING btree ("user_id") WHERE read_at is null;--> statement-breakpoint
CREATE INDEX "notifications_created" ON "notifications" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "push_subscriptions_user" ON "push_subscriptions" USING btree ("user_id");