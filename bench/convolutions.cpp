// The direct convolution of nn/ops/direct_convolution.h beside ATen's (oneDNN), in turns, at the
// sizes of the ResNets and of airbench94's network; each direction's time, and ATen's as a multiple
// of it, medians:
//   ninja -C build/release bench_convolutions && build/release/bench/bench_convolutions [THREADS]

#include "onecycle/host_cache.h"

#include "nn/ops/direct_convolution.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace onecycle {
namespace {

constexpr auto kLayout = at::MemoryFormat::ChannelsLast;
constexpr int kTurns = 15;

struct Shape {
  std::int64_t batch, in, out, side, kernel, stride;
};

constexpr Shape kShapes[] = {
    {128, 3, 16, 32, 3, 1},    {128, 16, 16, 32, 3, 1},  {128, 16, 32, 32, 3, 2},
    {128, 32, 32, 16, 3, 1},   {128, 32, 64, 16, 3, 2},  {128, 64, 64, 8, 3, 1},
    {128, 64, 64, 32, 3, 1},   {128, 64, 128, 32, 3, 2}, {128, 64, 128, 32, 1, 2},
    {128, 128, 128, 16, 3, 1}, {128, 256, 256, 8, 3, 1}, {128, 256, 512, 8, 3, 2},
    {128, 512, 512, 4, 3, 1},  {1024, 24, 64, 31, 3, 1}, {1024, 64, 256, 15, 3, 1},
    {1024, 256, 256, 7, 3, 1}, {1024, 256, 256, 3, 3, 1}};

double milliseconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

void compare(const char* what, double operations, const std::function<void()>& own,
             const std::function<void()>& aten) {
  std::vector<double> times, ratios;
  own();
  aten();
  for (int turn = 0; turn < kTurns; ++turn) {
    times.push_back(milliseconds(own));
    ratios.push_back(milliseconds(aten) / times.back());
  }
  std::printf("  %s %7.2f ms %5.0f GFLOP/s, %.2fx", what, median(times),
              operations / median(times) * 1e-6, median(ratios));
}

void compare(const Shape& shape) {
  const std::int64_t pad = shape.kernel / 2;
  const ConvolutionStep step = {shape.stride, pad};
  const auto random = [](at::IntArrayRef sizes) {
    return at::randn(sizes).to(at::kBFloat16).contiguous(kLayout);
  };
  const at::Tensor images = random({shape.batch, shape.in, shape.side, shape.side});
  const at::Tensor weight = random({shape.out, shape.in, shape.kernel, shape.kernel});
  const at::Tensor gradient = random(at::conv2d(images, weight, {}, shape.stride, pad).sizes());
  const auto backward = [&](bool of_images, bool of_weight) {
    at::convolution_backward(gradient, images, weight, {}, {shape.stride, shape.stride}, {pad, pad},
                             {1, 1}, false, {0, 0}, 1, {of_images, of_weight, false});
  };
  const double operations =
      2.0 * static_cast<double>(gradient.numel() * shape.in * shape.kernel * shape.kernel);
  std::printf("%4ld x %3ld -> %3ld, %2ld px, kernel %ld, stride %ld", shape.batch, shape.in,
              shape.out, shape.side, shape.kernel, shape.stride);
  if (!convolves_directly(images, weight, step)) {
    std::puts("  not on this processor");
    return;
  }
  compare(
      "forward", operations, [&] { direct_convolution(images, weight, step); },
      [&] { at::conv2d(images, weight, {}, shape.stride, pad); });
  compare(
      "images", operations, [&] { direct_image_gradient(gradient, weight, images.sizes(), step); },
      [&] { backward(true, false); });
  compare(
      "weight", operations, [&] { direct_weight_gradient(images, gradient, shape.kernel, step); },
      [&] { backward(false, true); });
  std::puts("");
}

}  // namespace
}  // namespace onecycle

int main(int count, char** arguments) {
  const at::NoGradGuard no_grad;
  onecycle::cache_host_memory();  // as the program does
  if (count > 1) at::set_num_threads(std::atoi(arguments[1]));
  for (const onecycle::Shape& shape : onecycle::kShapes) onecycle::compare(shape);
}
