// The load of the forwarding benchmark: many WebRTC subscribers and one publisher in one small process.
//
// It reads commands from standard input, one a line, and writes JSON lines:
//   connect <id> <ip> <port> <ufrag> <password> [sender]   -> {"event":"connected","id","srtpCipher"}
//                                                             {"event":"failed","id","reason"}
//   publish <id> <ssrc> <payload type>                     -> {"event":"publishing"}
//   measure <milliseconds>    -> {"event":"windowOpened"}, {"event":"windowClosed"}, {"event":"measured",...}
//   reset                     -> {"event":"reset"}, with every peer closed
// The end of its input ends it. Its one argument is the list of SRTP profiles that subscribers offer.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "dtls.h"
#include "peer.h"
#include "publisher.h"

enum { MAX_PEERS = 1024, LINE_BYTES = 512, TICK_MS = 50 };

// How long packets may pile up in the sockets before they are read together. They carry the kernel's time of arrival,
// so reading late costs no precision, and reading many at once makes 400 subscribers cheap.
static const long PILE_UP_NS = 10 * NS_PER_MS;
// Packets of the window still on their way when it closes are waited for this long.
static const uint64_t DRAIN_NS = 500 * NS_PER_MS;

enum window_state { WINDOW_NONE, WINDOW_PLANNED, WINDOW_OPEN, WINDOW_DRAINING };

static struct peer peers[MAX_PEERS];
static int peer_count;
static int pending_peers;
static struct publisher publisher;
static bool is_publishing;
static struct tally tally;
static enum window_state window;
static uint64_t window_opens_ns, window_closes_ns;
static uint64_t cpu_at_open_ns, cpu_at_close_ns;
static int poll_fd;

static void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

static void tell(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
  fflush(stdout);
}

static uint64_t own_cpu_ns(void) {
  struct timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return timespec_ns(&used);
}

static struct peer *find_peer(int id) {
  for (int i = 0; i < peer_count; i++) {
    if (peers[i].id == id) return &peers[i];
  }
  return NULL;
}

static void report_settled(struct peer *peer, enum peer_state before) {
  bool was_pending = before == PEER_CHECKING || before == PEER_HANDSHAKING;
  if (peer->state == before || peer->state == PEER_HANDSHAKING) return;
  if (was_pending) pending_peers--;
  if (peer->state == PEER_CONNECTED) {
    const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(peer->ssl);
    tell("{\"event\":\"connected\",\"id\":%d,\"srtpCipher\":\"%s\"}", peer->id,
         profile == NULL ? "none" : profile->name);
  } else {
    epoll_ctl(poll_fd, EPOLL_CTL_DEL, peer->fd, NULL);
    tell("{\"event\":\"failed\",\"id\":%d,\"reason\":\"%s\"}", peer->id, peer->failure);
  }
}

static void connect_peer(const char *line, SSL_CTX *subscriber_context, SSL_CTX *sender_context) {
  int id, port;
  char ip[64], sender[16] = "";
  struct ice_credentials ice = {0};
  if (sscanf(line, "connect %d %63s %d %63s %95s %15s", &id, ip, &port, ice.remote_ufrag,
             ice.remote_password, sender) < 5) {
    die("not understood: %s", line);
  }
  struct sockaddr_in remote = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, ip, &remote.sin_addr) != 1) die("no IPv4 address: %s", ip);
  if (peer_count == MAX_PEERS) die("more than %d peers", MAX_PEERS);
  struct peer *peer = &peers[peer_count];
  SSL_CTX *context = strcmp(sender, "sender") == 0 ? sender_context : subscriber_context;
  if (!peer_open(peer, id, &remote, &ice, context)) die("socket: %s", strerror(errno));
  struct epoll_event interest = {.events = EPOLLIN, .data.ptr = peer};
  epoll_ctl(poll_fd, EPOLL_CTL_ADD, peer->fd, &interest);
  peer_count++;
  pending_peers++;
}

static void publish(const char *line) {
  int id;
  unsigned ssrc, payload_type;
  if (sscanf(line, "publish %d %u %u", &id, &ssrc, &payload_type) != 3) die("not understood: %s", line);
  struct peer *peer = find_peer(id);
  if (peer == NULL || peer->state != PEER_CONNECTED) die("peer %d is not connected", id);
  if (is_publishing) die("already publishing");
  memset(&publisher, 0, sizeof publisher);
  publisher.fd = peer->fd;
  publisher.ssrc = ssrc;
  publisher.payload_type = (uint8_t)payload_type;
  if (!srtp_open_sender(&publisher.srtp, peer->ssl)) die("the publisher sends AES-GCM only");
  publisher_start(&publisher);
  is_publishing = true;
  tell("{\"event\":\"publishing\"}");
}

static void plan_window(const char *line) {
  unsigned duration_ms;
  if (sscanf(line, "measure %u", &duration_ms) != 1) die("not understood: %s", line);
  if (!is_publishing || window != WINDOW_NONE) die("nothing to measure");
  window_opens_ns = now_ns() + 20 * NS_PER_MS;
  window_closes_ns = window_opens_ns + duration_ms * NS_PER_MS;
  memset(&tally, 0, sizeof tally);
  for (int i = 0; i < peer_count; i++) memset(peers[i].streams, 0, sizeof peers[i].streams);
  tally.start_ticks = ticks_of_ns(window_opens_ns);
  tally.end_ticks = ticks_of_ns(window_closes_ns);
  atomic_store(&publisher.sent_in_window, 0);
  atomic_store(&publisher.window_start_ticks, tally.start_ticks);
  atomic_store(&publisher.window_end_ticks, tally.end_ticks);
  window = WINDOW_PLANNED;
}

static void tell_measured(void) {
  uint64_t gaps = 0;
  int receiving = 0;
  for (int i = 0; i < peer_count; i++) {
    gaps += peer_sequence_gaps(&peers[i]);
    if (peers[i].streams[0].received > 0) receiving++;
  }
  printf("{\"event\":\"measured\",\"windowNs\":%" PRIu64 ",\"sentPackets\":%" PRIu64
         ",\"receivedPackets\":%" PRIu64 ",\"receivedBytes\":%" PRIu64 ",\"rtcpPackets\":%" PRIu64
         ",\"sequenceGaps\":%" PRIu64 ",\"receivingPeers\":%d,\"loadCpuNs\":%" PRIu64
         ",\"latencyNs\":",
         window_closes_ns - window_opens_ns, atomic_load(&publisher.sent_in_window), tally.packets,
         tally.bytes, tally.rtcp_packets, gaps, receiving, cpu_at_close_ns - cpu_at_open_ns);
  histogram_print(&tally.latency_ns, stdout);
  tell("}");
}

static void advance_window(uint64_t now) {
  if (window == WINDOW_PLANNED && now >= window_opens_ns) {
    cpu_at_open_ns = own_cpu_ns();
    tell("{\"event\":\"windowOpened\"}");
    window = WINDOW_OPEN;
  } else if (window == WINDOW_OPEN && now >= window_closes_ns) {
    cpu_at_close_ns = own_cpu_ns();
    tell("{\"event\":\"windowClosed\"}");
    window = WINDOW_DRAINING;
  } else if (window == WINDOW_DRAINING && now >= window_closes_ns + DRAIN_NS) {
    tell_measured();
    window = WINDOW_NONE;
  }
}

static void reset(void) {
  if (is_publishing) {
    publisher_stop(&publisher);
    srtp_close_sender(&publisher.srtp);
    is_publishing = false;
  }
  for (int i = 0; i < peer_count; i++) peer_close(&peers[i]);
  peer_count = pending_peers = 0;
  window = WINDOW_NONE;
  tell("{\"event\":\"reset\"}");
}

// Ends the process when the input has ended.
static void read_commands(SSL_CTX *subscriber_context, SSL_CTX *sender_context) {
  static char pending[64 * LINE_BYTES];
  static size_t length;
  ssize_t got = read(STDIN_FILENO, pending + length, sizeof pending - 1 - length);
  if (got == 0) exit(0);
  if (got < 0) return;
  length += (size_t)got;
  pending[length] = '\0';
  char *line = pending;
  for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
    *end = '\0';
    if (strncmp(line, "connect ", 8) == 0) connect_peer(line, subscriber_context, sender_context);
    else if (strncmp(line, "publish ", 8) == 0) publish(line);
    else if (strncmp(line, "measure ", 8) == 0) plan_window(line);
    else if (strcmp(line, "reset") == 0) reset();
    else die("not understood: %s", line);
  }
  length = strlen(line);
  memmove(pending, line, length);
}

int main(int argc, char **argv) {
  const char *profiles = argc > 1 ? argv[1] : "SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  struct dtls_identity identity;
  dtls_make_identity(&identity);
  SSL_CTX *subscriber_context = dtls_make_context(&identity, profiles);
  if (subscriber_context == NULL) die("OpenSSL does not know these SRTP profiles: %s", profiles);
  SSL_CTX *sender_context =
      dtls_make_context(&identity, "SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM");

  poll_fd = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event interest = {.events = EPOLLIN, .data.ptr = NULL};
  if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &interest) != 0) die("standard input must be a pipe");
  fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
  tell("{\"event\":\"ready\",\"fingerprint\":\"%s\"}", identity.fingerprint);

  uint64_t next_tick = 0;
  for (;;) {
    struct epoll_event events[MAX_PEERS + 1];
    int count = epoll_wait(poll_fd, events, MAX_PEERS + 1, 10);
    bool commands = false;
    for (int i = 0; i < count; i++) {
      struct peer *peer = events[i].data.ptr;
      if (peer == NULL) {
        commands = true;
        continue;
      }
      enum peer_state before = peer->state;
      peer_read(peer, &tally);
      report_settled(peer, before);
    }
    // After the peers, since a command may close them all.
    if (commands) read_commands(subscriber_context, sender_context);

    uint64_t now = now_ns();
    advance_window(now);
    if (now >= next_tick) {
      next_tick = now + TICK_MS * NS_PER_MS;
      for (int i = 0; i < peer_count; i++) {
        enum peer_state before = peers[i].state;
        peer_tick(&peers[i], now);
        report_settled(&peers[i], before);
      }
    }
    if (is_publishing && pending_peers == 0) {
      nanosleep(&(struct timespec){.tv_nsec = PILE_UP_NS}, NULL);
    }
  }
}
