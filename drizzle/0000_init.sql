CREATE TABLE "audit_log" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"actor_id" text NOT NULL,
	"actor_role" text NOT NULL,
	"action" text NOT NULL,
	"subject" text,
	"address" text,
	"details" jsonb DEFAULT '{}'::jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "room_bans" (
	"room_id" uuid NOT NULL,
	"user_id" text NOT NULL,
	"banned_by" text NOT NULL,
	"banned_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "room_bans_room_id_user_id_pk" PRIMARY KEY("room_id","user_id")
);
--> statement-breakpoint
CREATE TABLE "room_guests" (
	"room_id" uuid NOT NULL,
	"user_id" text NOT NULL,
	CONSTRAINT "room_guests_room_id_user_id_pk" PRIMARY KEY("room_id","user_id")
);
--> statement-breakpoint
CREATE TABLE "room_participants" (
	"participant_id" uuid PRIMARY KEY NOT NULL,
	"room_id" uuid NOT NULL,
	"user_id" text NOT NULL,
	"joined_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"left_at" timestamp (3) with time zone,
	"leave_reason" text
);
--> statement-breakpoint
CREATE TABLE "rooms" (
	"room_id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"notes" text DEFAULT '' NOT NULL,
	"host_id" text NOT NULL,
	"created_by" text NOT NULL,
	"appointment_id" text,
	"invited_only" boolean DEFAULT false NOT NULL,
	"lobby" boolean DEFAULT false NOT NULL,
	"locked" boolean DEFAULT false NOT NULL,
	"max_participants" integer NOT NULL,
	"status" text DEFAULT 'waiting' NOT NULL,
	"end_reason" text,
	"scheduled_at" timestamp (3) with time zone,
	"duration_minutes" integer,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "users" (
	"user_id" text PRIMARY KEY NOT NULL,
	"token_name" text NOT NULL,
	"chosen_name" text,
	"role" text NOT NULL,
	"locale" text DEFAULT 'en' NOT NULL,
	"privacy" jsonb DEFAULT '{"showLastSeen":true,"showReadReceipts":true,"showTyping":true}'::jsonb NOT NULL,
	"suspended_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "room_bans" ADD CONSTRAINT "room_bans_room_id_rooms_room_id_fk" FOREIGN KEY ("room_id") REFERENCES "public"."rooms"("room_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "room_guests" ADD CONSTRAINT "room_guests_room_id_rooms_room_id_fk" FOREIGN KEY ("room_id") REFERENCES "public"."rooms"("room_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "room_participants" ADD CONSTRAINT "room_participants_room_id_rooms_room_id_fk" FOREIGN KEY ("room_id") REFERENCES "public"."rooms"("room_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "room_guests_user" ON "room_guests" USING btree ("user_id","room_id");--> statement-breakpoint
CREATE INDEX "room_participants_room" ON "room_participants" USING btree ("room_id");--> statement-breakpoint
CREATE INDEX "room_participants_user" ON "room_participants" USING btree ("user_id","room_id");--> statement-breakpoint
CREATE INDEX "room_participants_present" ON "room_participants" USING btree ("room_id") WHERE left_at is null;--> statement-breakpoint
CREATE INDEX "rooms_host" ON "rooms" USING btree ("host_id","room_id");--> statement-breakpoint
CREATE INDEX "rooms_created_by" ON "rooms" USING btree ("created_by","created_at");--> statement-breakpoint
CREATE INDEX "rooms_running" ON "rooms" USING btree ("started_at") WHERE status = 'in_progress';