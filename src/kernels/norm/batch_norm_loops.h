#pragma once

#include "kernels/lanes.h"
#include "kernels/norm/batch_norm.h"
#include "kernels/norm/gelu_lanes.h"

#include <algorithm>
#include <type_traits>

// The loops of NormCpu, compiled once for every kind of processor (kernels/lanes.h).
namespace onecycle::kernels {
namespace {

constexpr std::int64_t kTileRows = 16;

// K vectors of channels that stay in registers over the rows of a tile.
template <int K>
struct Channels {
  explicit Channels(const float* from) {
    for (int k = 0; k < K; ++k) v[k] = load(from + kLanes * k);
  }
  Floats v[K];
};

// K vectors of channels, from `first` on, of rows [top, bottom).
template <int K>
struct Tile {
  std::int64_t top, bottom, first;
};

// Calls work(Tile) over rows [begin, end) and all channels. Few rows, so that memory is read nearly
// in order, and what is read next is asked for: processors do not guess it where channels are many.
template <class Work>
void over_tiles(std::int64_t begin, std::int64_t end, std::int64_t channels, const Work& work) {
  for (std::int64_t row = begin; row < end; row += kTileRows) {
    const std::int64_t last = std::min(row + kTileRows, end);
    std::int64_t c = 0;
    for (; c + 4 * kLanes <= channels; c += 4 * kLanes) work(Tile<4>{row, last, c});
    for (; c + 2 * kLanes <= channels; c += 2 * kLanes) work(Tile<2>{row, last, c});
    for (; c < channels; c += kLanes) work(Tile<1>{row, last, c});
  }
  finish_stores();
}

template <class T>
Floats load_and_ask(const T* from, std::int64_t channels) {
  __builtin_prefetch(from + kTileRows * channels);
  return load(from);
}

inline void add_to(float* sum, Floats values) { store(sum, load(sum) + values); }

template <class Body>
void with_flag(bool flag, const Body& body) {
  flag ? body(std::true_type()) : body(std::false_type());
}

template <Activation kActivation>
Floats activated(Floats z) {
  if constexpr (kActivation == Activation::relu) return rectified(z);
  if constexpr (kActivation == Activation::gelu) return gelu(z);
  return z;
}

template <class Body>
void with_activation(Activation activation, const Body& body) {
  using enum Activation;
  switch (activation) {
    case none:
      return body(std::integral_constant<Activation, none>());
    case relu:
      return body(std::integral_constant<Activation, relu>());
    case gelu:
      return body(std::integral_constant<Activation, gelu>());
  }
}

void moments(const NormRows& rows, const float* origin, float* sums, std::int64_t begin,
             std::int64_t end) {
  const std::int64_t channels = rows.channels;
  std::fill_n(sums, 2 * channels, 0.f);
  with_type(rows.type, [&]<class T>(T) {
    const auto* const input = static_cast<const T*>(rows.input);
    over_tiles(begin, end, channels, [&]<int K>(const Tile<K>& tile) {
      const Channels<K> from(origin + tile.first);
      Floats sum[K] = {};
      Floats square[K] = {};
      for (std::int64_t row = tile.top; row < tile.bottom; ++row)
        for (int k = 0; k < K; ++k) {
          const T* const at = input + row * channels + tile.first + kLanes * k;
          const Floats x = load_and_ask(at, channels) - from.v[k];
          sum[k] += x;
          square[k] += x * x;
        }
      for (int k = 0; k < K; ++k) {
        add_to(sums + tile.first + kLanes * k, sum[k]);
        add_to(sums + channels + tile.first + kLanes * k, square[k]);
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
      with_activation(rows.activation, [&](auto activation) {
        over_tiles(begin, end, channels, [&]<int K>(const Tile<K>& tile) {
          const Channels<K> scale(by.scale + tile.first);
          const Channels<K> shift(by.shift + tile.first);
          for (std::int64_t row = tile.top; row < tile.bottom; ++row)
            for (int k = 0; k < K; ++k) {
              const std::int64_t at = row * channels + tile.first + kLanes * k;
              Floats y = load_and_ask(input + at, channels) * scale.v[k] + shift.v[k];
              if constexpr (adds) y += load_and_ask(added + at, channels);
              store(to + at, activated<activation>(y), rows.past_caches);
            }
        });
      });
    });
  });
}

void gradient_sums(const NormRows& rows, const NormChannels& by, const NormGradients& gradients,
                   void* passed, float* sums, std::int64_t begin, std::int64_t end) {
  const std::int64_t channels = rows.channels;
  std::fill_n(sums, 2 * channels, 0.f);
  with_type(rows.type, [&]<class T>(T) {
    const auto* const input = static_cast<const T*>(rows.input);
    const auto* const one = static_cast<const T*>(gradients.first);
    const auto* const two = static_cast<const T*>(gradients.second);
    const auto* const output = static_cast<const T*>(gradients.output);
    const auto* const addend = static_cast<const T*>(gradients.addend);
    auto* const to = static_cast<T*>(passed);
    with_flag(output != nullptr, [&](auto from_output) {
      with_activation(rows.activation, [&](auto activation) {
        constexpr bool kRelu = activation == Activation::relu;
        over_tiles(begin, end, channels, [&]<int K>(const Tile<K>& tile) {
          const Channels<K> mean(by.mean + tile.first);
          const Channels<K> scale(by.scale + tile.first);
          const Channels<K> shift(by.shift + tile.first);
          Floats sum[K] = {};
          Floats product[K] = {};
          for (std::int64_t row = tile.top; row < tile.bottom; ++row)
            for (int k = 0; k < K; ++k) {
              const std::int64_t at = row * channels + tile.first + kLanes * k;
              const Floats x = load_and_ask(input + at, channels);
              Floats g = load_and_ask(one + at, channels);
              if (two != nullptr) g += load_and_ask(two + at, channels);
              if constexpr (kRelu && from_output)
                g = where_positive(load_and_ask(output + at, channels), g);
              if constexpr (kRelu && !from_output)
                g = where_positive(x * scale.v[k] + shift.v[k], g);
              if constexpr (activation == Activation::gelu) {
                Floats z = x * scale.v[k] + shift.v[k];
                if (addend != nullptr) z += load_and_ask(addend + at, channels);
                g *= gelu_slope(z);
              }
              if (to != nullptr) store(to + at, g, rows.past_caches);
              sum[k] += g;
              product[k] += g * (x - mean.v[k]);
            }
          for (int k = 0; k < K; ++k) {
            add_to(sums + tile.first + kLanes * k, sum[k]);
            add_to(sums + channels + tile.first + kLanes * k, product[k]);
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
    with_flag(rows.activation == Activation::relu && !masked, [&](auto masks) {
      over_tiles(begin, end, channels, [&]<int K>(const Tile<K>& tile) {
        const Channels<K> mean(by.mean + tile.first);
        const Channels<K> scale(by.scale + tile.first);
        const Channels<K> shift(by.shift + tile.first);
        const Channels<K> slopes(slope + tile.first);
        const Channels<K> offsets(offset + tile.first);
        for (std::int64_t row = tile.top; row < tile.bottom; ++row)
          for (int k = 0; k < K; ++k) {
            const std::int64_t at = row * channels + tile.first + kLanes * k;
            const Floats x = load_and_ask(input + at, channels);
            Floats g = load_and_ask(incoming + at, channels);
            if constexpr (masks) g = where_positive(x * scale.v[k] + shift.v[k], g);
            store(to + at, scale.v[k] * g + slopes.v[k] * (x - mean.v[k]) + offsets.v[k],
                  rows.past_caches);
          }
      });
    });
  });
}

constexpr NormCpu kNormCpu = {&moments, &normalise, &gradient_sums, &input_gradient};

}  // namespace
}  // namespace onecycle::kernels
