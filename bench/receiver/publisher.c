#include "publisher.h"

#include <openssl/rand.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"

enum {
  PACKET_BYTES = 1200,  // RTP header and payload, without the SRTP tag
  BITS_PER_SECOND = 1500000,
  FRAMES_PER_SECOND = 30,
  FRAMES_PER_KEY_FRAME = 30,
  VP8_DESCRIPTOR_BYTES = 4,
};

// Writes what a receiver of VP8 needs to find frames and key frames (RFC 7741); the picture itself is noise.
static void write_vp8_start(uint8_t *payload, bool first_of_frame, bool key_frame,
                            uint16_t picture_id) {
  payload[0] = (uint8_t)(0x80 | (first_of_frame ? 0x10 : 0));  // X, S, partition 0
  payload[1] = 0x80;                                           // I: a picture id follows
  payload[2] = (uint8_t)(0x80 | ((picture_id >> 8) & 0x7F));   // M: of 15 bits
  payload[3] = (uint8_t)picture_id;
  if (!first_of_frame) return;
  static const uint8_t key_frame_header[] = {0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A,
                                             0x80, 0x02, 0x68, 0x01};  // 640 x 360
  if (key_frame) {
    memcpy(payload + VP8_DESCRIPTOR_BYTES, key_frame_header, sizeof key_frame_header);
  } else {
    payload[VP8_DESCRIPTOR_BYTES] = 0x11;
  }
}

static void sleep_until(uint64_t ns) {
  struct timespec at = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
  clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL);
}

static void *publish(void *argument) {
  struct publisher *publisher = argument;
  uint8_t noise[PACKET_BYTES];
  uint8_t packet[PACKET_BYTES + SRTP_TAG_BYTES];
  RAND_bytes(noise, sizeof noise);
  uint16_t sequence = 1;
  uint32_t rollover = 0;
  double owed = 0;
  uint64_t started = now_ns();

  for (uint64_t frame = 0; !atomic_load(&publisher->stopping); frame++) {
    sleep_until(started + frame * NS_PER_S / FRAMES_PER_SECOND);
    owed += (double)BITS_PER_SECOND / 8 / PACKET_BYTES / FRAMES_PER_SECOND;
    int packets = (int)owed;
    owed -= packets;

    for (int i = 0; i < packets; i++) {
      memcpy(packet, noise, PACKET_BYTES);
      packet[0] = 0x80;
      packet[1] = (uint8_t)(publisher->payload_type | (i == packets - 1 ? 0x80 : 0));
      packet[2] = (uint8_t)(sequence >> 8);
      packet[3] = (uint8_t)sequence;
      // The RTP timestamp is the tick in which this packet leaves: a simple consumer passes it on unchanged and
      // SRTP leaves it readable. The packet is made ready before that tick and sent as the tick begins.
      uint64_t tick = ticks_of_ns(now_ns()) + 2;
      for (int byte = 0; byte < 4; byte++) {
        packet[4 + byte] = (uint8_t)(tick >> (24 - 8 * byte));
        packet[8 + byte] = (uint8_t)(publisher->ssrc >> (24 - 8 * byte));
      }
      write_vp8_start(packet + RTP_HEADER_BYTES, i == 0, frame % FRAMES_PER_KEY_FRAME == 0,
                      (uint16_t)frame);
      size_t length = srtp_protect(&publisher->srtp, packet, PACKET_BYTES, rollover);
      uint64_t leaves_at = ns_of_ticks(tick);
      while (now_ns() < leaves_at) {
      }
      bool sent = send(publisher->fd, packet, length, 0) == (ssize_t)length;
      if (sent && tick >= atomic_load(&publisher->window_start_ticks) &&
          tick < atomic_load(&publisher->window_end_ticks)) {
        atomic_fetch_add(&publisher->sent_in_window, 1);
      }
      if (++sequence == 0) rollover++;
    }
  }
  return NULL;
}

void publisher_start(struct publisher *publisher) {
  atomic_store(&publisher->stopping, false);
  pthread_create(&publisher->thread, NULL, publish, publisher);
}

void publisher_stop(struct publisher *publisher) {
  atomic_store(&publisher->stopping, true);
  pthread_join(publisher->thread, NULL);
}
