#pragma once

#include "kernels/batch_norm.h"
#include "kernels/lanes.h"

#include <type_traits>

// The loops of NormCpu, compiled once for every kind of processor (kernels/lanes.h).
namespace onecycle::kernels {
namespace {

// K vectors of channels that stay in registers over all rows.
template <int K>
struct Channels {
  explicit Channels(const float* from) {
    for (int k = 0; k < K; ++k) v[k] = load(from + kLanes * k);
  }
  Floats v[K];
};

// Calls block(first channel, integral_constant K) over all channels, K vectors at a time.
template <class Block>
void over_channels(std::int64_t channels, const Block& block) {
  std::int64_t c = 0;
  for (; c + 4 * kLanes <= channels; c += 4 * kLanes) block(c, std::integral_constant<int, 4>());
  for (; c + 2 * kLanes <= channels; c += 2 * kLanes) block(c, std::integral_constant<int, 2>());
  for (; c < channels; c += kLanes) block(c, std::integral_constant<int, 1>());
}

template <class Body>
void with_flag(bool flag, const Body& body) {
  flag ? body(std::true_type()) : body(std::false_type());
}

void moments(const NormRows& rows, const float* origin, float* sums, std::int64_t begin,
             std::int64_t end) {
  const std::int64_t channels = rows.channels;
  with_type(rows.type, [&]<class T>(T) {
    const auto* const input = static_cast<const T*>(rows.input);
    over_channels(channels, [&]<int K>(std::int64_t first, std::integral_constant<int, K>) {
      const Channels<K> from(origin + first);
      Floats sum[K] = {};
      Floats square[K] = {};
      for (std::int64_t row = begin; row < end; ++row)
        for (int k = 0; k < K; ++k) {
          const Floats x = load(input + row * channels + first + kLanes * k) - from.v[k];
          sum[k] += x;
          square[k] += x * x;
        }
      for (int k = 0; k < K; ++k) {
        store(sums + first + kLanes * k, sum[k]);
        store(sums + channels + first + kLanes * k, square[k]);
      }
    });
  });
}

void normalise(const NormRows& rows, const NormChannels& by, const void* addend, void* output,
               std::int64_t begin, std::int64_t end) {
  const std::int64_t channels = rows.channels;
  with_type(rows.type, [&]<class T>(T) {
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
              const std::int64_t at = row * channels + first + kLanes * k;
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
  with_type(rows.type, [&]<class T>(T) {
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
              const std::int64_t at = row * channels + first + kLanes * k;
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
            store(sums + first + kLanes * k, sum[k]);
            store(sums + channels + first + kLanes * k, product[k]);
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
  with_type(rows.type, [&]<class T>(T) {
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
            const std::int64_t at = row * channels + first + kLanes * k;
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
