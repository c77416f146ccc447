#include "histogram.h"

#include <inttypes.h>
#include <stdbool.h>

#define SUB_BUCKETS (1u << HISTOGRAM_SUB_BITS)

static unsigned bucket_of(uint64_t value) {
  if (value < SUB_BUCKETS) return (unsigned)value;
  unsigned exponent = 63u - (unsigned)__builtin_clzll(value);
  unsigned shift = exponent - HISTOGRAM_SUB_BITS;
  return ((shift + 1) << HISTOGRAM_SUB_BITS) + ((unsigned)(value >> shift) & (SUB_BUCKETS - 1));
}

static uint64_t lower_bound_of(unsigned bucket) {
  if (bucket < SUB_BUCKETS) return bucket;
  unsigned shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
  return (uint64_t)(SUB_BUCKETS + (bucket & (SUB_BUCKETS - 1))) << shift;
}

void histogram_add(struct histogram *histogram, uint64_t value) {
  histogram->counts[bucket_of(value)]++;
}

void histogram_print(const struct histogram *histogram, FILE *out) {
  bool first = true;
  fputc('[', out);
  for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
    if (histogram->counts[bucket] == 0) continue;
    fprintf(out, "%s[%" PRIu64 ",%" PRIu64 "]", first ? "" : ",", lower_bound_of(bucket),
            histogram->counts[bucket]);
    first = false;
  }
  fputc(']', out);
}
