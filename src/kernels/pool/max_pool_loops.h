#pragma once

#include "kernels/lanes.h"
#include "kernels/pool/max_pool.h"

#include <algorithm>

// The loops of MaxPoolCpu, compiled once for every kind of processor (kernels/lanes.h).
namespace onecycle::kernels {
namespace {

using Bytes = std::uint8_t __attribute__((vector_size(kLanes)));

// Where output row `row`, of all images', has its upper left corner in the input, in elements.
std::int64_t corner(const PoolImages& images, std::int64_t row) {
  const std::int64_t rows = images.height / 2;
  return (row / rows * images.height + row % rows * 2) * images.width * images.channels;
}

void pool_forward(const PoolImages& images, const void* input, void* output, std::uint8_t* choice,
                  std::int64_t begin, std::int64_t end) {
  const std::int64_t line = images.width * images.channels;
  const std::int64_t pixel = images.channels;
  const std::int64_t out_line = images.width / 2 * pixel;
  with_type(images.type, [&]<class T>(T) {
    for (std::int64_t row = begin; row < end; ++row) {
      const T* const from = static_cast<const T*>(input) + corner(images, row);
      T* const to = static_cast<T*>(output) + row * out_line;
      for (std::int64_t x = 0; x < images.width / 2; ++x)
        for (std::int64_t c = 0; c < pixel; c += kLanes) {
          const T* const window = from + 2 * x * pixel + c;
          const Floats others[3] = {load(window + pixel), load(window + line),
                                    load(window + line + pixel)};
          Floats most = load(window);
          Words chosen = {};
          for (std::uint32_t i = 0; i < 3; ++i) {
            const auto better =
                reinterpret_cast<Words>((others[i] > most) | (others[i] != others[i]));
            most = reinterpret_cast<Floats>((reinterpret_cast<Words>(others[i]) & better) |
                                            (reinterpret_cast<Words>(most) & ~better));
            chosen = ((i + 1) & better) | (chosen & ~better);
          }
          const std::int64_t at = x * pixel + c;
          store(to + at, most);
          if (choice == nullptr) continue;
          const Bytes bytes = __builtin_convertvector(chosen, Bytes);
          std::memcpy(choice + row * out_line + at, &bytes, sizeof bytes);
        }
    }
  });
}

void pool_backward(const PoolImages& images, const void* gradient, const std::uint8_t* choice,
                   void* input_gradient, std::int64_t begin, std::int64_t end) {
  const std::int64_t line = images.width * images.channels;
  const std::int64_t pixel = images.channels;
  const std::int64_t out_line = images.width / 2 * pixel;
  with_type(images.type, [&]<class T>(T) {
    for (std::int64_t row = begin; row < end; ++row) {
      const T* const from = static_cast<const T*>(gradient) + row * out_line;
      T* const to = static_cast<T*>(input_gradient) + corner(images, row);
      for (std::int64_t x = 0; x < images.width / 2; ++x)
        for (std::int64_t c = 0; c < pixel; c += kLanes) {
          const std::int64_t at = x * pixel + c;
          Bytes bytes;
          std::memcpy(&bytes, choice + row * out_line + at, sizeof bytes);
          const Words chosen = __builtin_convertvector(bytes, Words);
          const auto arrived = reinterpret_cast<Words>(load(from + at));
          T* const window = to + 2 * x * pixel + c;
          const std::int64_t places[4] = {0, pixel, line, line + pixel};
          for (std::uint32_t i = 0; i < 4; ++i)
            store(window + places[i],
                  reinterpret_cast<Floats>(arrived & reinterpret_cast<Words>(chosen == i)),
                  images.past_caches);
        }
      if (images.width % 2 != 0)
        for (const std::int64_t last : {line - pixel, 2 * line - pixel})
          std::fill_n(to + last, pixel, T());
      const bool last_row = (row + 1) % (images.height / 2) == 0;
      if (images.height % 2 != 0 && last_row) std::fill_n(to + 2 * line, line, T());
    }
    finish_stores();
  });
}

constexpr MaxPoolCpu kMaxPoolCpu = {&pool_forward, &pool_backward};

}  // namespace
}  // namespace onecycle::kernels
