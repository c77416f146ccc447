// Wall clock, and the 90 kHz ticks of it that travel in the RTP timestamp.
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_MS 1000000ULL
#define NS_PER_S 1000000000ULL

static inline uint64_t timespec_ns(const struct timespec *at) {
  return (uint64_t)at->tv_sec * NS_PER_S + (uint64_t)at->tv_nsec;
}

// CLOCK_REALTIME, because that is the clock of the kernel's receive timestamps.
static inline uint64_t now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  return timespec_ns(&at);
}

// One tick is 11.1 microseconds. Divided first so that nothing overflows.
static inline uint64_t ticks_of_ns(uint64_t ns) {
  return ns / 100000 * 9 + ns % 100000 * 9 / 100000;
}

// The first nanosecond of a tick.
static inline uint64_t ns_of_ticks(uint64_t ticks) {
  return ticks / 9 * 100000 + (ticks % 9 * 100000 + 8) / 9;
}

#endif
