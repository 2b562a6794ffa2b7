#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace onecycle {

// An array between bytes that nobody may write, beginning `shift` elements after a multiple of 64
// bytes.
template <class T>
class Guarded {
 public:
  explicit Guarded(std::size_t size, std::size_t shift = 0)
      : bytes_((size + shift) * sizeof(T) + 3 * kGuard, kFill), size_(size) {
    const auto address = reinterpret_cast<std::uintptr_t>(bytes_.data());
    begin_ = 2 * kGuard - address % kGuard + shift * sizeof(T);
  }

  explicit Guarded(const std::vector<T>& values, std::size_t shift = 0)
      : Guarded(values.size(), shift) {
    std::copy(values.begin(), values.end(), data());
  }

  T* data() { return reinterpret_cast<T*>(bytes_.data() + begin_); }
  const T* data() const { return reinterpret_cast<const T*>(bytes_.data() + begin_); }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return data()[i]; }

  bool is_intact() const {
    const auto is_fill = [](unsigned char byte) { return byte == kFill; };
    const auto begin = bytes_.begin() + static_cast<std::ptrdiff_t>(begin_);
    return std::all_of(bytes_.begin(), begin, is_fill) &&
           std::all_of(begin + static_cast<std::ptrdiff_t>(size_ * sizeof(T)), bytes_.end(),
                       is_fill);
  }

 private:
  static constexpr std::size_t kGuard = 64;
  static constexpr unsigned char kFill = 0xA5;
  std::vector<unsigned char> bytes_;
  std::size_t size_;
  std::size_t begin_ = 0;
};

}  // namespace onecycle
