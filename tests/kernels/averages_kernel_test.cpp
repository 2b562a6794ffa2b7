#include "kernels/cuda_on_host.h"

#include "kernels/update/averages.cuh"
#include "support/formula.h"
#include "support/guarded.h"

#include <cstring>
#include <gtest/gtest.h>
#include <list>
#include <string>
#include <type_traits>
#include <vector>

// The code of the averages' kernel, walked on the CPU, beside the CPU's own loop: the same bits.
namespace onecycle::kernels {
namespace {

template <class T>
struct Averages {
  Averages(std::size_t size, std::size_t shift)
      : live(numbers("live", size), shift),
        kept(numbers("kept", size), shift),
        copy(std::vector<std::uint16_t>(size, 7), shift) {
    tensor.weight = live.data();
    tensor.state[0] = kept.data();
    tensor.copy = copy.data();
    tensor.size = static_cast<std::int64_t>(size);
    tensor.type = std::is_same_v<T, double> ? ScalarType::f64 : ScalarType::f32;
    tensor.copy_type = shift == 0 ? ScalarType::bf16 : ScalarType::f16;
  }

  static std::vector<T> numbers(const std::string& name, std::size_t size) {
    std::vector<T> result;
    for (const double value : formula(name, static_cast<std::int64_t>(size), 4))
      result.push_back(static_cast<T>(value));
    return result;
  }

  template <class V>
  static bool same_bits(const Guarded<V>& a, const Guarded<V>& b) {
    return a.is_intact() && b.is_intact() &&
           std::memcmp(a.data(), b.data(), a.size() * sizeof(V)) == 0;
  }
  bool same_as(const Averages& other) const {
    return same_bits(live, other.live) && same_bits(kept, other.kept) &&
           same_bits(copy, other.copy);
  }

  Guarded<T> live;
  Guarded<T> kept;
  Guarded<std::uint16_t> copy;
  UpdateTensor tensor = {};
};

void walk_averages(const std::vector<UpdateTensor>& tensors, const AverageNumbers& numbers) {
  for_each_launch(
      tensors.data(), static_cast<int>(tensors.size()), [&](const Launch& launch, int blocks) {
        walk(Walk::loop, static_cast<unsigned>(blocks), kThreads, average_kernel, launch, &numbers);
      });
}

template <class T>
void expect_same_bits(std::size_t size, std::size_t shift) {
  for (const AverageNumbers& numbers :
       {AverageNumbers{.3, 0, 0}, AverageNumbers{.01, 1, 0}, AverageNumbers{.5, 1, 1},
        AverageNumbers{.2, 1, 1}, AverageNumbers{.7, 0, 1}}) {
    Averages<T> walked(size, shift), alone(size, shift);
    const Averages<T> before(size, shift);
    walk_averages({walked.tensor}, numbers);
    average_cpu(alone.tensor, 0, alone.tensor.size, &numbers);
    EXPECT_TRUE(walked.same_as(alone)) << size << " elements, shifted by " << shift;
    EXPECT_EQ(walked.same_as(before), numbers.moves == 0 && numbers.returns == 0);
  }
}

TEST(WalkedAverages, AsOnTheCpu) {
  for (const std::size_t size : {1U, 31U, 33U, 4097U, 1'000'003U})
    for (const std::size_t shift : {0U, 1U}) expect_same_bits<float>(size, shift);
  for (const std::size_t size : {1U, 31U, 33U, 4097U}) expect_same_bits<double>(size, 1);
}

// More tensors than a launch holds, empty ones and ones without a copy among them.
TEST(WalkedAverages, ManyTensors) {
  const AverageNumbers numbers{.25, 1, 1};
  std::list<Averages<float>> walked, alone;
  std::vector<UpdateTensor> tensors;
  for (std::size_t i = 0; i < 2 * kTensorsPerLaunch + 3; ++i) {
    const std::size_t size = i % 10 == 4 ? 0 : i % 10 == 7 ? 4096 + i : 1 + i;
    for (auto* averages : {&walked, &alone}) {
      UpdateTensor& tensor = averages->emplace_back(size, i % 2).tensor;
      if (i % 5 == 0) tensor.copy = nullptr;
    }
    tensors.push_back(walked.back().tensor);
    average_cpu(alone.back().tensor, 0, alone.back().tensor.size, &numbers);
  }
  walk_averages(tensors, numbers);
  std::size_t i = 0;
  for (auto a = walked.begin(), b = alone.begin(); a != walked.end(); ++a, ++b, ++i)
    EXPECT_TRUE(a->same_as(*b)) << "tensor " << i;
}

}  // namespace
}  // namespace onecycle::kernels
