#include "dist/group/sealed_store.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/printable.h"

#include <array>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <unistd.h>
#include <utility>

namespace onecycle {

namespace {

using Bytes = std::vector<std::uint8_t>;
using std::chrono::milliseconds;

constexpr std::size_t kCodeBytes = 32;
constexpr std::size_t kSecretBytes = 16;

class SealedStore : public c10d::Store {
 public:
  SealedStore(c10::intrusive_ptr<c10d::Store> inner, std::string secret)
      : inner_(std::move(inner)), secret_(std::move(secret)) {}

  c10::intrusive_ptr<c10d::Store> clone() override { return sealed(inner_->clone(), secret_); }

  void set(const std::string& key, const Bytes& value) override {
    inner_->set(key, with_code(key, value));
  }
  Bytes get(const std::string& key) override { return without_code(key, inner_->get(key)); }
  Bytes compareSet(const std::string& key, const Bytes& expected, const Bytes& desired) override {
    // An empty one stands for a key that is not there.
    const Bytes before = expected.empty() ? expected : with_code(key, expected);
    return without_code(key, inner_->compareSet(key, before, with_code(key, desired)));
  }
  std::vector<Bytes> multiGet(const std::vector<std::string>& keys) override {
    std::vector<Bytes> values = inner_->multiGet(keys);
    if (values.size() != keys.size()) throw DistError("the ranks' store leaves values out");
    for (std::size_t i = 0; i < keys.size(); ++i) values[i] = without_code(keys[i], values[i]);
    return values;
  }
  void multiSet(const std::vector<std::string>& keys, const std::vector<Bytes>& values) override {
    for (std::size_t i = 0; i < keys.size(); ++i) set(keys[i], values.at(i));
  }
  // What is appended to a value would not be under its code.
  bool hasExtendedApi() const override { return false; }

  std::int64_t add(const std::string& key, std::int64_t value) override {
    return inner_->add(key, value);
  }
  bool deleteKey(const std::string& key) override { return inner_->deleteKey(key); }
  bool check(const std::vector<std::string>& keys) override { return inner_->check(keys); }
  std::int64_t getNumKeys() override { return inner_->getNumKeys(); }
  void wait(const std::vector<std::string>& keys) override { inner_->wait(keys); }
  void wait(const std::vector<std::string>& keys, const milliseconds& timeout) override {
    inner_->wait(keys, timeout);
  }
  const milliseconds& getTimeout() const noexcept override { return inner_->getTimeout(); }
  void setTimeout(const milliseconds& timeout) override { inner_->setTimeout(timeout); }

 private:
  // Over the key's length, the key and the value, so that no other pair has the same bytes.
  std::array<std::uint8_t, kCodeBytes> code_of(const std::string& key, const std::uint8_t* value,
                                               std::size_t size) const {
    Bytes signed_bytes;
    for (std::size_t length = key.size(), i = 0; i < sizeof length; ++i, length >>= 8)
      signed_bytes.push_back(static_cast<std::uint8_t>(length & 0xFF));
    signed_bytes.insert(signed_bytes.end(), key.begin(), key.end());
    signed_bytes.insert(signed_bytes.end(), value, value + size);
    std::array<std::uint8_t, kCodeBytes> code{};
    unsigned int written = 0;
    if (::HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), signed_bytes.data(),
               signed_bytes.size(), code.data(), &written) == nullptr ||
        written != kCodeBytes)
      throw DistError("HMAC-SHA-256 is not available from OpenSSL");
    return code;
  }

  Bytes with_code(const std::string& key, const Bytes& value) const {
    const auto code = code_of(key, value.data(), value.size());
    Bytes bytes(code.begin(), code.end());
    bytes.insert(bytes.end(), value.begin(), value.end());
    return bytes;
  }

  Bytes without_code(const std::string& key, const Bytes& bytes) const {
    if (bytes.size() >= kCodeBytes) {
      const std::uint8_t* value = bytes.data() + kCodeBytes;
      const auto code = code_of(key, value, bytes.size() - kCodeBytes);
      if (::CRYPTO_memcmp(code.data(), bytes.data(), kCodeBytes) == 0)
        return {value, bytes.data() + bytes.size()};
    }
    throw DistError(
        format("the ranks' store holds a value under '{}' that none of them wrote: another program "
               "on this machine writes to it",
               printable(key)));
  }

  c10::intrusive_ptr<c10d::Store> inner_;
  std::string secret_;
};

}  // namespace

std::string new_secret() {
  std::array<unsigned char, kSecretBytes> random{};
  if (::getentropy(random.data(), random.size()) != 0)
    throw DistError("the system provides no random numbers for the ranks' secret");
  std::string text;
  for (const unsigned char byte : random) text += format("{:02x}", byte);
  return text;
}

c10::intrusive_ptr<c10d::Store> sealed(c10::intrusive_ptr<c10d::Store> store, std::string secret) {
  return c10::make_intrusive<SealedStore>(std::move(store), std::move(secret));
}

}  // namespace onecycle
