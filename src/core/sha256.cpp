#include "core/sha256.h"

#include "onecycle/error.h"

#include "core/format.h"

#include <openssl/evp.h>

namespace onecycle {

struct Sha256::State {
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

namespace {

void require(bool good) {
  if (!good) throw Error("SHA-256 is not available from OpenSSL");
}

}  // namespace

Sha256::Sha256() : state_(std::make_unique<State>()) {
  require(state_->context != nullptr &&
          EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() = default;

Sha256& Sha256::add(std::string_view bytes) {
  require(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
  return *this;
}

std::string Sha256::hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  require(EVP_DigestFinal_ex(state_->context.get(), digest, &size) == 1);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += format("{:02x}", digest[i]);
  return text;
}

}  // namespace onecycle
