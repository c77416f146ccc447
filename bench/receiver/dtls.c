#include "dtls.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void require(bool succeeded, const char *what) {
  if (succeeded) return;
  fprintf(stderr, "%s failed\n", what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

void dtls_make_identity(struct dtls_identity *identity) {
  identity->key = EVP_EC_gen("P-256");
  require(identity->key != NULL, "key generation");
  X509 *certificate = X509_new();
  X509_set_version(certificate, 2);
  uint32_t serial = 0;
  RAND_bytes((unsigned char *)&serial, sizeof serial);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial & 0x7FFFFFFF);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
  X509_set_pubkey(certificate, identity->key);
  X509_NAME *name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"bench", -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  require(X509_sign(certificate, identity->key, EVP_sha256()) > 0, "signing the certificate");
  identity->certificate = certificate;

  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  X509_digest(certificate, EVP_sha256(), digest, &length);
  for (unsigned i = 0; i < length; i++) {
    sprintf(identity->fingerprint + 3 * i, i + 1 < length ? "%02X:" : "%02X", digest[i]);
  }
}

SSL_CTX *dtls_make_context(const struct dtls_identity *identity, const char *srtp_profiles) {
  SSL_CTX *context = SSL_CTX_new(DTLS_client_method());
  require(context != NULL, "DTLS context");
  require(SSL_CTX_use_certificate(context, identity->certificate) == 1, "certificate");
  require(SSL_CTX_use_PrivateKey(context, identity->key) == 1, "private key");
  // The server is the one under measurement on this very machine: its certificate is not checked.
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_set_tlsext_use_srtp(context, srtp_profiles) != 0) {  // 0 is success here
    SSL_CTX_free(context);
    return NULL;
  }
  return context;
}

SSL *dtls_open(SSL_CTX *context, int fd) {
  SSL *ssl = SSL_new(context);
  require(ssl != NULL, "DTLS session");
  // Reads are fed by hand, because STUN and SRTP arrive on the same socket; writes keep their datagram bounds.
  BIO *incoming = BIO_new(BIO_s_mem());
  BIO_set_mem_eof_return(incoming, -1);
  BIO *outgoing = BIO_new_dgram(fd, BIO_NOCLOSE);
  struct sockaddr_storage remote;
  socklen_t remote_length = sizeof remote;
  getpeername(fd, (struct sockaddr *)&remote, &remote_length);
  BIO_ctrl(outgoing, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &remote);
  SSL_set_bio(ssl, incoming, outgoing);
  SSL_set_mtu(ssl, 1200);
  SSL_set_connect_state(ssl);
  return ssl;
}

enum dtls_progress dtls_advance(SSL *ssl, const uint8_t *packet, size_t length) {
  if (packet != NULL) {
    BIO_write(SSL_get_rbio(ssl), packet, (int)length);
  } else if (SSL_in_before(ssl) == 0) {
    DTLSv1_handle_timeout(ssl);
  }
  ERR_clear_error();
  int result = SSL_do_handshake(ssl);
  if (result == 1) return DTLS_DONE;
  int error = SSL_get_error(ssl, result);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? DTLS_WAITING : DTLS_FAILED;
}
