// Counts of durations in log-linear buckets, each at most 1.6% wide, as HdrHistogram keeps them.
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
  uint64_t counts[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value);

// Writes [[lower bound of a bucket, count], ...] for the buckets that are not empty.
void histogram_print(const struct histogram *histogram, FILE *out);

#endif
