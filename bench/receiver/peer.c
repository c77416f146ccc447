#include "peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "dtls.h"

enum {
  BATCH = 64,
  DATAGRAM_BYTES = 2048,
  // Enough for an RTP header with its SSRC; the kernel need not copy what nobody reads.
  HEADER_BYTES = 64,
  CONSENT_SECONDS = 5,
};

static const uint64_t CHECK_INTERVAL_NS = 200 * NS_PER_MS;
static const uint64_t CONNECT_TIMEOUT_NS = 10 * NS_PER_S;

static void fail(struct peer *peer, const char *reason) {
  peer->state = PEER_FAILED;
  peer->failure = reason;
}

static void send_check(struct peer *peer, uint64_t now) {
  uint8_t request[STUN_MAX_BYTES];
  size_t length = stun_write_binding_request(request, &peer->ice, 0x5041524C45590000u + (unsigned)peer->id);
  send(peer->fd, request, length, 0);
  peer->next_check_ns =
      now + (peer->state == PEER_CONNECTED ? CONSENT_SECONDS * NS_PER_S : CHECK_INTERVAL_NS);
}

bool peer_open(struct peer *peer, int id, const struct sockaddr_in *remote,
               const struct ice_credentials *ice, SSL_CTX *context) {
  memset(peer, 0, sizeof *peer);
  peer->id = id;
  peer->ice = *ice;
  peer->context = context;
  peer->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (peer->fd < 0) return false;
  int on = 1;
  setsockopt(peer->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  if (connect(peer->fd, (const struct sockaddr *)remote, sizeof *remote) != 0) {
    close(peer->fd);
    return false;
  }
  snprintf(peer->ice.local_ufrag, sizeof peer->ice.local_ufrag, "load%d", id);
  peer->opened_at_ns = now_ns();
  send_check(peer, peer->opened_at_ns);
  return true;
}

static void advance_handshake(struct peer *peer, const uint8_t *packet, size_t length) {
  enum dtls_progress progress = dtls_advance(peer->ssl, packet, length);
  if (progress == DTLS_FAILED) {
    fail(peer, "dtls");
  } else if (progress == DTLS_DONE) {
    peer->state = PEER_CONNECTED;
    // Spread, so that the consent checks of many peers do not fall on one moment.
    peer->next_check_ns = now_ns() + NS_PER_S + (uint64_t)(peer->id % 64) * 60 * NS_PER_MS;
  }
}

static void read_control(struct peer *peer, const uint8_t *packet, size_t length) {
  if (peer->state == PEER_CHECKING && is_stun_success(packet)) {
    peer->state = PEER_HANDSHAKING;
    peer->ssl = dtls_open(peer->context, peer->fd);
    advance_handshake(peer, NULL, 0);
  } else if (peer->state == PEER_CHECKING && is_stun_error(packet)) {
    fail(peer, "ice");
  } else if (peer->state == PEER_HANDSHAKING && is_dtls(packet)) {
    advance_handshake(peer, packet, length);
  }
}

static void count_sequence(struct peer *peer, uint32_t ssrc, uint16_t sequence) {
  struct stream *stream = NULL;
  for (int i = 0; i < STREAMS_PER_PEER && stream == NULL; i++) {
    struct stream *candidate = &peer->streams[i];
    if (candidate->received == 0) {
      candidate->ssrc = ssrc;
      candidate->first_sequence = candidate->highest_sequence = sequence;
    }
    if (candidate->ssrc == ssrc) stream = candidate;
  }
  if (stream == NULL) return;
  stream->received++;
  int16_t ahead = (int16_t)(sequence - (uint16_t)stream->highest_sequence);
  if (ahead > 0) stream->highest_sequence += (uint32_t)ahead;
}

static void count_rtp(struct peer *peer, struct tally *tally, const uint8_t *packet, size_t length,
                      uint64_t arrived_ns) {
  uint16_t sequence = (uint16_t)(packet[2] << 8 | packet[3]);
  uint32_t timestamp = (uint32_t)packet[4] << 24 | (uint32_t)packet[5] << 16 |
                       (uint32_t)packet[6] << 8 | packet[7];
  uint32_t ssrc = (uint32_t)packet[8] << 24 | (uint32_t)packet[9] << 16 |
                  (uint32_t)packet[10] << 8 | packet[11];
  uint64_t arrived_ticks = ticks_of_ns(arrived_ns);
  uint64_t sent_ticks = arrived_ticks - (uint64_t)(int64_t)(int32_t)((uint32_t)arrived_ticks - timestamp);
  if (sent_ticks < tally->start_ticks || sent_ticks >= tally->end_ticks) return;
  tally->packets++;
  tally->bytes += length;
  count_sequence(peer, ssrc, sequence);
  uint64_t sent_ns = ns_of_ticks(sent_ticks);
  histogram_add(&tally->latency_ns, arrived_ns > sent_ns ? arrived_ns - sent_ns : 0);
}

static uint64_t arrival_of(struct msghdr *message) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    struct timespec at;
    memcpy(&at, CMSG_DATA(c), sizeof at);
    return timespec_ns(&at);
  }
  return now_ns();
}

void peer_read(struct peer *peer, struct tally *tally) {
  static uint8_t buffers[BATCH][DATAGRAM_BYTES];
  static union {
    char bytes[CMSG_SPACE(sizeof(struct timespec))];
    struct cmsghdr align;
  } controls[BATCH];
  struct mmsghdr messages[BATCH];
  struct iovec vectors[BATCH];
  size_t wanted = peer->state == PEER_CONNECTED ? HEADER_BYTES : DATAGRAM_BYTES;
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){.iov_base = buffers[i], .iov_len = wanted};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i],
                                          .msg_iovlen = 1,
                                          .msg_control = controls[i].bytes,
                                          .msg_controllen = sizeof controls[i].bytes};
  }
  // MSG_TRUNC: the length reported is the datagram's own.
  int count = recvmmsg(peer->fd, messages, BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
  if (count < 0 && errno == ECONNREFUSED) fail(peer, "refused");
  for (int i = 0; i < count; i++) {
    const uint8_t *packet = buffers[i];
    size_t length = messages[i].msg_len;
    if (length < 12) continue;
    if (packet[0] < 128 || packet[0] > 191) {
      read_control(peer, packet, length < wanted ? length : wanted);
    } else if (packet[1] >= 192 && packet[1] <= 223) {
      tally->rtcp_packets++;
    } else {
      count_rtp(peer, tally, packet, length, arrival_of(&messages[i].msg_hdr));
    }
  }
}

void peer_tick(struct peer *peer, uint64_t now) {
  if (peer->state == PEER_FAILED) return;
  if (peer->state != PEER_CONNECTED && now > peer->opened_at_ns + CONNECT_TIMEOUT_NS) {
    fail(peer, peer->state == PEER_CHECKING ? "ice timed out" : "dtls timed out");
    return;
  }
  if (peer->state == PEER_HANDSHAKING) advance_handshake(peer, NULL, 0);
  if (peer->state != PEER_HANDSHAKING && now >= peer->next_check_ns) send_check(peer, now);
}

uint64_t peer_sequence_gaps(const struct peer *peer) {
  uint64_t gaps = 0;
  for (int i = 0; i < STREAMS_PER_PEER; i++) {
    const struct stream *stream = &peer->streams[i];
    if (stream->received == 0) continue;
    uint64_t expected = (uint64_t)stream->highest_sequence - stream->first_sequence + 1;
    if (expected > stream->received) gaps += expected - stream->received;
  }
  return gaps;
}

void peer_close(struct peer *peer) {
  if (peer->ssl != NULL) SSL_free(peer->ssl);
  close(peer->fd);
}
