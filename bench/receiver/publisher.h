// A thread that sends one VP8 stream of 1.5 Mbps: 30 frames a second, each a burst of 1200 byte packets.
#ifndef PUBLISHER_H
#define PUBLISHER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "srtp.h"

struct publisher {
  int fd;
  uint32_t ssrc;
  uint8_t payload_type;
  struct srtp_sender srtp;
  pthread_t thread;
  atomic_bool stopping;
  // Packets whose timestamp lies in [window_start, window_end), counted as they are sent.
  _Atomic uint64_t window_start_ticks;
  _Atomic uint64_t window_end_ticks;
  _Atomic uint64_t sent_in_window;
};

void publisher_start(struct publisher *publisher);
void publisher_stop(struct publisher *publisher);

#endif
