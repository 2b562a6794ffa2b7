#include "kernels/update/averages_element.h"
#include "kernels/update/update_cpu.h"

#include <type_traits>

namespace onecycle::kernels {

namespace {

template <class T, bool kMoves, bool kReturns>
void average_range(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
                   const AverageElement<T> element) {
  T* __restrict live = static_cast<T*>(tensor.weight);
  T* __restrict kept = static_cast<T*>(tensor.state[0]);
  for (std::int64_t i = begin; i < end; ++i) {
    if constexpr (kMoves) kept[i] = element.moved(kept[i], live[i]);
    if constexpr (kReturns) live[i] = kept[i];
  }
  if constexpr (kReturns) copy_weights(tensor, live, begin, end);
}

template <class T, bool kMoves, bool kReturns>
ONECYCLE_FOR_AVX512 void average_range_avx512(const UpdateTensor& tensor, std::int64_t begin,
                                              std::int64_t end, const AverageElement<T> element) {
  average_range<T, kMoves, kReturns>(tensor, begin, end, element);
}

template <class T, bool kMoves, bool kReturns>
void average_range_here(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
                        const AverageNumbers& numbers) {
  const auto element = average_element<T>(numbers);
  if constexpr (std::is_same_v<T, float>) {
    static const bool wide = has_avx512();
    if (wide) return average_range_avx512<T, kMoves, kReturns>(tensor, begin, end, element);
  }
  average_range<T, kMoves, kReturns>(tensor, begin, end, element);
}

template <class T>
void average_as(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
                const AverageNumbers& numbers) {
  const bool moves = numbers.moves != 0, returns = numbers.returns != 0;
  if (moves && returns) return average_range_here<T, true, true>(tensor, begin, end, numbers);
  if (moves) return average_range_here<T, true, false>(tensor, begin, end, numbers);
  if (returns) average_range_here<T, false, true>(tensor, begin, end, numbers);
}

}  // namespace

void average_cpu(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
                 const AverageNumbers* numbers) {
  tensor.type == ScalarType::f64 ? average_as<double>(tensor, begin, end, *numbers)
                                 : average_as<float>(tensor, begin, end, *numbers);
}

}  // namespace onecycle::kernels
