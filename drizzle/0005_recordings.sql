CREATE TABLE "job_pools" (
	"pool_id" text PRIMARY KEY NOT NULL,
	"seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "recording_consents" (
	"receipt_id" uuid PRIMARY KEY NOT NULL,
	"recording_id" uuid NOT NULL,
	"user_id" text NOT NULL,
	"state" text NOT NULL,
	"language" text NOT NULL,
	"text_version" integer NOT NULL,
	"asked_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"answered_at" timestamp (3) with time zone,
	"withdrawn_at" timestamp (3) with time zone,
	"erased_at" timestamp (3) with time zone,
	CONSTRAINT "recording_consents_user" UNIQUE("recording_id","user_id")
);
--> statement-breakpoint
CREATE TABLE "recording_files" (
	"file_id" uuid PRIMARY KEY NOT NULL,
	"recording_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"track_id" uuid,
	"part" integer DEFAULT 0 NOT NULL,
	"started_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	"name" text NOT NULL,
	"media_type" text NOT NULL,
	"bytes" bigint NOT NULL,
	"sha256" text NOT NULL,
	"blob_key" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "recording_gaps" (
	"recording_id" uuid NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone,
	"reason" text NOT NULL,
	CONSTRAINT "recording_gaps_recording_id_started_at_pk" PRIMARY KEY("recording_id","started_at")
);
--> statement-breakpoint
CREATE TABLE "recording_links" (
	"link_id" uuid PRIMARY KEY NOT NULL,
	"recording_id" uuid NOT NULL,
	"created_by" text NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"max_uses" integer,
	"uses" integer DEFAULT 0 NOT NULL,
	"addresses" text[] DEFAULT '{}' NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "recording_texts" (
	"language" text NOT NULL,
	"version" integer NOT NULL,
	"text" text NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "recording_texts_language_version_pk" PRIMARY KEY("language","version")
);
--> statement-breakpoint
CREATE TABLE "recording_tracks" (
	"track_id" uuid PRIMARY KEY NOT NULL,
	"recording_id" uuid NOT NULL,
	"user_id" text NOT NULL,
	"source" text NOT NULL,
	"kind" text NOT NULL,
	"codec" text NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "recordings" (
	"recording_id" uuid PRIMARY KEY NOT NULL,
	"room_id" uuid NOT NULL,
	"call_id" uuid,
	"requested_by" text NOT NULL,
	"purpose" text NOT NULL,
	"kinds" text[] NOT NULL,
	"policy" text NOT NULL,
	"status" text NOT NULL,
	"failure_reason" text,
	"folder_id" uuid NOT NULL,
	"composition" jsonb DEFAULT '{"layout":"grid","gaps":"cut","withNames":false}'::jsonb NOT NULL,
	"progress" real,
	"requested_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	"duration_ms" integer,
	"processing_at" timestamp (3) with time zone,
	"seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"delete_at" timestamp (3) with time zone,
	"held_at" timestamp (3) with time zone,
	"deleted_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "recording_consents" ADD CONSTRAINT "recording_consents_recording_id_recordings_recording_id_fk" FOREIGN KEY ("recording_id") REFERENCES "public"."recordings"("recording_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "recording_files" ADD CONSTRAINT "recording_files_recording_id_recordings_recording_id_fk" FOREIGN KEY ("recording_id") REFERENCES "public"."recordings"("recording_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "recording_files" ADD CONSTRAINT "recording_files_track_id_recording_tracks_track_id_fk" FOREIGN KEY ("track_id") REFERENCES "public"."recording_tracks"("track_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "recording_gaps" ADD CONSTRAINT "recording_gaps_recording_id_recordings_recording_id_fk" FOREIGN KEY ("recording_id") REFERENCES "public"."recordings"("recording_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "recording_links" ADD CONSTRAINT "recording_links_recording_id_recordings_recording_id_fk" FOREIGN KEY ("recording_id") REFERENCES "public"."recordings"("recording_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "recording_tracks" ADD CONSTRAINT "recording_tracks_recording_id_recordings_recording_id_fk" FOREIGN KEY ("recording_id") REFERENCES "public"."recordings"("recording_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "recordings" ADD CONSTRAINT "recordings_room_id_rooms_room_id_fk" FOREIGN KEY ("room_id") REFERENCES "public"."rooms"("room_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "recordings" ADD CONSTRAINT "recordings_call_id_calls_call_id_fk" FOREIGN KEY ("call_id") REFERENCES "public"."calls"("call_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "recording_consents_by_user" ON "recording_consents" USING btree ("user_id","recording_id");--> statement-breakpoint
CREATE INDEX "recording_files_recording" ON "recording_files" USING btree ("recording_id","kind");--> statement-breakpoint
CREATE INDEX "recording_links_recording" ON "recording_links" USING btree ("recording_id");--> statement-breakpoint
CREATE INDEX "recording_tracks_recording" ON "recording_tracks" USING btree ("recording_id");--> statement-breakpoint
CREATE UNIQUE INDEX "recordings_live" ON "recordings" USING btree ("room_id") WHERE status in ('requested', 'recording', 'paused');--> statement-breakpoint
CREATE INDEX "recordings_room" ON "recordings" USING btree ("room_id");--> statement-breakpoint
CREATE INDEX "recordings_requested" ON "recordings" USING btree ("requested_at","recording_id");--> statement-breakpoint
CREATE INDEX "recordings_delete" ON "recordings" USING btree ("delete_at") WHERE deleted_at is null;