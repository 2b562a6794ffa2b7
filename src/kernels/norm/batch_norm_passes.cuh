#pragma once

#include "kernels/norm/batch_norm.cuh"
#include "kernels/norm/norm_finish.cuh"

#include <initializer_list>
#include <type_traits>

// Which kernels make a pass of kernels/norm/batch_norm_cuda.h. `launch(blocks, kernel, arguments
// ...)` runs one, of kNormThreads threads a block: on a GPU, or walked on the CPU.
namespace onecycle::kernels {

// body(a T, the pack as a constant): 16 bytes, where channels and addresses (null: none) allow it.
template <class T, class Body>
void with_norm_pack(std::int64_t channels, std::initializer_list<const void*> addresses,
                    const Body& body) {
  constexpr int kPack = 16 / static_cast<int>(sizeof(T));
  bool fits = channels % kPack == 0;
  for (const void* address : addresses)
    fits = fits && reinterpret_cast<std::uintptr_t>(address) % 16 == 0;
  if (fits) {
    body(T{}, std::integral_constant<int, kPack>());
  } else {
    body(T{}, std::integral_constant<int, 1>());
  }
}

template <class Body>
void with_norm_type(const NormRows& rows, std::initializer_list<const void*> addresses,
                    const Body& body) {
  switch (rows.type) {
    case ScalarType::bf16:
      return with_norm_pack<BFloat16>(rows.channels, addresses, body);
    case ScalarType::f16:
      return with_norm_pack<Float16>(rows.channels, addresses, body);
    default:
      return with_norm_pack<float>(rows.channels, addresses, body);
  }
}

template <class Body>
void with_norm_activation(Activation activation, const Body& body) {
  switch (activation) {
    case Activation::relu:
      return body(std::integral_constant<Activation, Activation::relu>());
    case Activation::gelu:
      return body(std::integral_constant<Activation, Activation::gelu>());
    default:
      return body(std::integral_constant<Activation, Activation::none>());
  }
}

template <class Launch>
void run_norm_moments(const Launch& launch, const NormRows& rows, std::int64_t count, float* parts,
                      const NormStatistics& to) {
  with_norm_type(rows, {rows.input}, [&](auto value, auto pack) {
    using T = decltype(value);
    const NormGeometry geometry = norm_geometry(count, rows.channels, pack);
    launch(geometry.blocks(), &norm_moments_kernel<T, pack>, geometry,
           static_cast<const T*>(rows.input), parts);
    launch(geometry.finish_blocks(), &norm_finish_moments_kernel, geometry, parts, to);
  });
}

template <class Launch>
void run_normalise(const Launch& launch, const NormRows& rows, std::int64_t count,
                   const NormParameters& by, const void* addend, void* output) {
  with_norm_type(rows, {rows.input, addend, output}, [&](auto value, auto pack) {
    using T = decltype(value);
    const NormGeometry geometry = norm_geometry(count, rows.channels, pack);
    with_norm_activation(rows.activation, [&](auto activation) {
      launch(geometry.blocks(), &normalise_kernel<T, pack, activation>, geometry, by,
             static_cast<const T*>(rows.input), static_cast<const T*>(addend),
             static_cast<T*>(output));
    });
  });
}

template <class Launch>
void run_norm_gradient_sums(const Launch& launch, const NormRows& rows, std::int64_t count,
                            const NormParameters& by, const NormGradients& gradients, void* passed,
                            float* parts, const NormSums& to) {
  with_norm_type(
      rows,
      {rows.input, gradients.first, gradients.second, gradients.output, gradients.addend, passed},
      [&](auto value, auto pack) {
        using T = decltype(value);
        const NormGeometry geometry = norm_geometry(count, rows.channels, pack);
        with_norm_activation(rows.activation, [&](auto activation) {
          launch(geometry.blocks(), &norm_gradient_sums_kernel<T, pack, activation>, geometry, by,
                 static_cast<const T*>(rows.input), gradients, static_cast<T*>(passed), parts);
        });
        launch(geometry.finish_blocks(), &norm_finish_gradients_kernel, geometry, by, parts, to);
      });
}

template <class Launch>
void run_norm_input_gradient(const Launch& launch, const NormRows& rows, std::int64_t count,
                             const NormParameters& by, const float* slope, const float* offset,
                             const void* gradient, bool masked, void* input_gradient) {
  const bool masks = rows.activation == Activation::relu && !masked;
  with_norm_type(rows, {rows.input, gradient, input_gradient}, [&](auto value, auto pack) {
    using T = decltype(value);
    const NormGeometry geometry = norm_geometry(count, rows.channels, pack);
    launch(geometry.blocks(), &norm_input_gradient_kernel<T, pack>, geometry, by, slope, offset,
           static_cast<const T*>(rows.input), static_cast<const T*>(gradient), masks,
           static_cast<T*>(input_gradient));
  });
}

}  // namespace onecycle::kernels
