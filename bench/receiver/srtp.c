#include "srtp.h"

#include <openssl/srtp.h>
#include <string.h>

enum { SALT_BYTES = 12, LABEL_ENCRYPTION = 0x00, LABEL_SALT = 0x02 };

// RFC 3711, 4.3.3 with a key derivation rate of 0; the 96 bit salt is padded on the right (RFC 7714, 11).
static void derive(const EVP_CIPHER *counter_mode, const uint8_t *master_key,
                   const uint8_t *master_salt, uint8_t label, uint8_t *out, int length) {
  uint8_t iv[16] = {0};
  memcpy(iv, master_salt, SALT_BYTES);
  iv[7] ^= label;
  uint8_t zeros[32] = {0};
  int written = 0;
  EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(cipher, counter_mode, NULL, master_key, iv);
  EVP_EncryptUpdate(cipher, out, &written, zeros, length);
  EVP_CIPHER_CTX_free(cipher);
}

bool srtp_open_sender(struct srtp_sender *sender, SSL *ssl) {
  const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(ssl);
  if (profile == NULL) return false;
  bool wide = profile->id == SRTP_AEAD_AES_256_GCM;
  if (!wide && profile->id != SRTP_AEAD_AES_128_GCM) return false;
  size_t key_bytes = wide ? 32 : 16;

  // client key, server key, client salt, server salt (RFC 5764, 4.2)
  uint8_t material[2 * (32 + SALT_BYTES)];
  static const char label[] = "EXTRACTOR-dtls_srtp";
  if (SSL_export_keying_material(ssl, material, 2 * (key_bytes + SALT_BYTES), label,
                                 sizeof label - 1, NULL, 0, 0) != 1) {
    return false;
  }
  const uint8_t *master_key = material;
  const uint8_t *master_salt = material + 2 * key_bytes;
  const EVP_CIPHER *counter_mode = wide ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
  uint8_t session_key[32];
  derive(counter_mode, master_key, master_salt, LABEL_ENCRYPTION, session_key, (int)key_bytes);
  derive(counter_mode, master_key, master_salt, LABEL_SALT, sender->salt, SALT_BYTES);

  sender->cipher = EVP_CIPHER_CTX_new();
  return EVP_EncryptInit_ex(sender->cipher, wide ? EVP_aes_256_gcm() : EVP_aes_128_gcm(), NULL,
                            session_key, NULL) == 1;
}

size_t srtp_protect(struct srtp_sender *sender, uint8_t *packet, size_t length, uint32_t rollover) {
  // 00 00 | SSRC | rollover counter | sequence number, XOR salt (RFC 7714, 8.1)
  uint8_t iv[12] = {0};
  memcpy(iv + 2, packet + 8, 4);
  iv[6] = (uint8_t)(rollover >> 24);
  iv[7] = (uint8_t)(rollover >> 16);
  iv[8] = (uint8_t)(rollover >> 8);
  iv[9] = (uint8_t)rollover;
  memcpy(iv + 10, packet + 2, 2);
  for (int i = 0; i < 12; i++) iv[i] ^= sender->salt[i];

  int written = 0;
  uint8_t *payload = packet + RTP_HEADER_BYTES;
  int payload_length = (int)(length - RTP_HEADER_BYTES);
  EVP_EncryptInit_ex(sender->cipher, NULL, NULL, NULL, iv);
  EVP_EncryptUpdate(sender->cipher, NULL, &written, packet, RTP_HEADER_BYTES);
  EVP_EncryptUpdate(sender->cipher, payload, &written, payload, payload_length);
  EVP_EncryptFinal_ex(sender->cipher, payload + written, &written);
  EVP_CIPHER_CTX_ctrl(sender->cipher, EVP_CTRL_AEAD_GET_TAG, SRTP_TAG_BYTES, packet + length);
  return length + SRTP_TAG_BYTES;
}

void srtp_close_sender(struct srtp_sender *sender) {
  EVP_CIPHER_CTX_free(sender->cipher);
  sender->cipher = NULL;
}
