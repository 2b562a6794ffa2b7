#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace onecycle {

// Of bytes given in pieces. Throws Error where OpenSSL has no such algorithm.
class Digest {
 public:
  explicit Digest(const char* algorithm);  // "sha256", "md5"
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  Digest& add(std::string_view bytes);
  // Lower-case hexadecimal. Ends the digest: nothing can be added after it.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Sha256 : public Digest {
 public:
  static constexpr std::size_t kHexLength = 64;

  Sha256() : Digest("sha256") {}
};

}  // namespace onecycle
