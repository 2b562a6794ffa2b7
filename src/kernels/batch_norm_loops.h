#pragma once

#include "kernels/batch_norm.h"

#include <cstring>
#include <type_traits>

// The loops of NormCpu, compiled once for every kind of processor. Everything has internal linkage:
// a copy made for a newer processor must not stand in for that of an older one.
namespace onecycle::kernels {
namespace {

using Floats = float __attribute__((vector_size(4 * kNormLanes)));
using Words = std::uint32_t __attribute__((vector_size(4 * kNormLanes)));
using Halves = std::uint16_t __attribute__((vector_size(2 * kNormLanes)));
using Bf16 = std::uint16_t;

inline Floats load(const float* from) {
  Floats values;
  std::memcpy(&values, from, sizeof values);
  return values;
}

inline Floats load(const Bf16* from) {
  Halves halves;
  std::memcpy(&halves, from, sizeof halves);
  return reinterpret_cast<Floats>(__builtin_convertvector(halves, Words) << 16);
}

inline void store(float* to, Floats values) { std::memcpy(to, &values, sizeof values); }

// To the nearest, ties to even.
inline void store(Bf16* to, Floats values) {
  const auto bits = reinterpret_cast<Words>(values);
  const Words nearest = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const auto is_nan = reinterpret_cast<Words>(values != values);
  const Halves halves = __builtin_convertvector((nearest & ~is_nan) | (0x7fc0 & is_nan), Halves);
  std::memcpy(to, &halves, sizeof halves);
}

inline Floats where_positive(Floats condition, Floats values) {
  const auto positive = reinterpret_cast<Words>(condition > 0);
  return reinterpret_cast<Floats>(reinterpret_cast<Words>(values) & positive);
}

// NaN stays NaN, as in ATen's ReLU.
inline Floats rectified(Floats values) {
  const auto negative = reinterpret_cast<Words>(values < 0);
  return reinterpret_cast<Floats>(reinterpret_cast<Words>(values) & ~negative);
}

// K vectors of channels that stay in registers over all rows.
template <int K>
struct Channels {
  explicit Channels(const float* from) {
    for (int k = 0; k < K; ++k) v[k] = load(from + kNormLanes * k);
  }
  Floats v[K];
};

// Calls block(first channel, integral_constant K) over all channels, K vectors at a time.
template <class Block>
void over_channels(std::int64_t channels, const Block& block) {
  std::int64_t c = 0;
  for (; c + 4 * kNormLanes <= channels; c += 4 * kNormLanes)
    block(c, std::integral_constant<int, 4>());
  for (; c + 2 * kNormLanes <= channels; c += 2 * kNormLanes)
    block(c, std::integral_constant<int, 2>());
  for (; c < channels; c += kNormLanes) block(c, std::integral_constant<int, 1>());
}

template <class Body>
void with_type(const NormRows& rows, const Body& body) {
  rows.type == ScalarType::bf16 ? body(Bf16()) : body(float());
}

template <class Body>
void with_flag(bool flag, const Body& body) {
  flag ? body(std::true_type()) : body(std::false_type());
}

void moments(const NormRows& rows, const float* origin, float* sums, std::int64_t begin,
             std::int64_t end) {
  const std::int64_t channels = rows.channels;
  with_type(rows, [&]<class T>(T) {
    const auto* const input = static_cast<const T*>(rows.input);
    over_channels(channels, [&]<int K>(std::int64_t first, std::integral_constant<int, K>) {
      const Channels<K> from(origin + first);
      Floats sum[K] = {};
      Floats square[K] = {};
      for (std::int64_t row = begin; row < end; ++row)
        for (int k = 0; k < K; ++k) {
          const Floats x = load(input + row * channels + first + kNormLanes * k) - from.v[k];
          sum[k] += x;
          square[k] += x * x;
        }
      for (int k = 0; k < K; ++k) {
        store(sums + first + kNormLanes * k, sum[k]);
        store(sums + channels + first + kNormLanes * k, square[k]);
      }
    });
  });
}

void normalise(const NormRows& rows, const NormChannels& by, const void* addend, void* output,
               std::int64_t begin, std::int64_t end) {
  const std::int64_t channels = rows.channels;
  with_type(rows, [&]<class T>(T) {
    const auto* const input = static_cast<const T*>(rows.input);
    const auto* const added = static_cast<const T*>(addend);
    auto* const to = static_cast<T*>(output);
    with_flag(added != nullptr, [&](auto adds) {
      with_flag(rows.relu, [&](auto relu) {
        over_channels(channels, [&]<int K>(std::int64_t first, std::integral_constant<int, K>) {
          const Channels<K> scale(by.scale + first);
          const Channels<K> shift(by.shift + first);
          for (std::int64_t row = begin; row < end; ++row)
            for (int k = 0; k < K; ++k) {
              const std::int64_t at = row * channels + first + kNormLanes * k;
              Floats y = load(input + at) * scale.v[k] + shift.v[k];
              if constexpr (adds) y += load(added + at);
              if constexpr (relu) y = rectified(y);
              store(to + at, y);
            }
        });
      });
    });
  });
}

void gradient_sums(const NormRows& rows, const NormChannels& by, const NormGradients& gradients,
                   void* passed, float* sums, std::int64_t begin, std::int64_t end) {
  const std::int64_t channels = rows.channels;
  with_type(rows, [&]<class T>(T) {
    const auto* const input = static_cast<const T*>(rows.input);
    const auto* const one = static_cast<const T*>(gradients.first);
    const auto* const two = static_cast<const T*>(gradients.second);
    const auto* const output = static_cast<const T*>(gradients.output);
    auto* const to = static_cast<T*>(passed);
    with_flag(output != nullptr, [&](auto from_output) {
      with_flag(rows.relu, [&](auto relu) {
        over_channels(channels, [&]<int K>(std::int64_t first, std::integral_constant<int, K>) {
          const Channels<K> mean(by.mean + first);
          const Channels<K> scale(by.scale + first);
          const Channels<K> shift(by.shift + first);
          Floats sum[K] = {};
          Floats product[K] = {};
          for (std::int64_t row = begin; row < end; ++row)
            for (int k = 0; k < K; ++k) {
              const std::int64_t at = row * channels + first + kNormLanes * k;
              const Floats x = load(input + at);
              Floats g = load(one + at);
              if (two != nullptr) g += load(two + at);
              if constexpr (relu && from_output) g = where_positive(load(output + at), g);
              if constexpr (relu && !from_output)
                g = where_positive(x * scale.v[k] + shift.v[k], g);
              if (to != nullptr) store(to + at, g);
              sum[k] += g;
              product[k] += g * (x - mean.v[k]);
            }
          for (int k = 0; k < K; ++k) {
            store(sums + first + kNormLanes * k, sum[k]);
            store(sums + channels + first + kNormLanes * k, product[k]);
          }
        });
      });
    });
  });
}

void input_gradient(const NormRows& rows, const NormChannels& by, const float* slope,
                    const float* offset, const void* gradient, bool masked, void* input_gradient,
                    std::int64_t begin, std::int64_t end) {
  const std::int64_t channels = rows.channels;
  with_type(rows, [&]<class T>(T) {
    const auto* const input = static_cast<const T*>(rows.input);
    const auto* const incoming = static_cast<const T*>(gradient);
    auto* const to = static_cast<T*>(input_gradient);
    with_flag(rows.relu && !masked, [&](auto masks) {
      over_channels(channels, [&]<int K>(std::int64_t first, std::integral_constant<int, K>) {
        const Channels<K> mean(by.mean + first);
        const Channels<K> scale(by.scale + first);
        const Channels<K> shift(by.shift + first);
        const Channels<K> slopes(slope + first);
        const Channels<K> offsets(offset + first);
        for (std::int64_t row = begin; row < end; ++row)
          for (int k = 0; k < K; ++k) {
            const std::int64_t at = row * channels + first + kNormLanes * k;
            const Floats x = load(input + at);
            Floats g = load(incoming + at);
            if constexpr (masks) g = where_positive(x * scale.v[k] + shift.v[k], g);
            store(to + at, scale.v[k] * g + slopes.v[k] * (x - mean.v[k]) + offsets.v[k]);
          }
      });
    });
  });
}

constexpr NormCpu kNormCpu = {&moments, &normalise, &gradient_sums, &input_gradient};

}  // namespace
}  // namespace onecycle::kernels
