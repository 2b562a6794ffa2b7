#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace onecycle {

// SHA-256 of bytes given in pieces.
class Sha256 {
 public:
  static constexpr std::size_t kHexLength = 64;

  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  Sha256& add(std::string_view bytes);
  // Lower-case hexadecimal. Ends the digest: nothing can be added after it.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace onecycle
