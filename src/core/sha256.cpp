#include "core/sha256.h"

#include "onecycle/error.h"

#include "core/text/format.h"

#include <openssl/evp.h>

namespace onecycle {

struct Digest::State {
  std::string algorithm;
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};

  void require(bool good) const {
    if (!good) throw Error(algorithm + " is not available from OpenSSL");
  }
};

Digest::Digest(const char* algorithm) : state_(std::make_unique<State>(State{algorithm})) {
  const EVP_MD* kind = EVP_get_digestbyname(algorithm);
  state_->require(kind != nullptr && state_->context != nullptr &&
                  EVP_DigestInit_ex(state_->context.get(), kind, nullptr) == 1);
}

Digest::~Digest() = default;

Digest& Digest::add(std::string_view bytes) {
  state_->require(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
  return *this;
}

std::string Digest::hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  state_->require(EVP_DigestFinal_ex(state_->context.get(), digest, &size) == 1);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += format("{:02x}", digest[i]);
  return text;
}

}  // namespace onecycle
