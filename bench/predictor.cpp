// A Predictor beside a bare forward, in turns: the time of one call on a batch of uint8 images, and
// as a multiple of the forward alone, of tensors that were normalised before, and of the forward
// with the normalisation as one writes it with LibTorch; medians:
//   ninja -C build/release bench_predictor && build/release/bench/bench_predictor [THREADS]

#include "onecycle/predictor.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace onecycle {
namespace {

constexpr int kTurns = 41;

struct Case {
  const char* model;
  std::int64_t batch, channels, side;
};

constexpr Case kCases[] = {{"mlp", 1, 1, 28},       {"mlp", 512, 1, 28},
                           {"resnet20", 1, 3, 32},  {"resnet20", 128, 3, 32},
                           {"resnet18", 1, 3, 224}, {"resnet18", 16, 3, 224}};

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

void compare(const Case& one) {
  const auto channels = static_cast<std::size_t>(one.channels);
  const NetworkTask task{"random",
                         one.channels,
                         one.side,
                         one.side,
                         std::vector<std::string>(10, "class"),
                         std::vector<double>(channels, 0.5),
                         std::vector<double>(channels, 0.25),
                         one.side};
  const auto model = builtin_models().make(one.model, {one.channels, one.side, one.side, 10});
  const Predictor predictor(model, task, {.device = DeviceChoice::cpu});
  const at::Tensor images =
      at::randint(0, 256, {one.batch, one.channels, one.side, one.side}, at::kByte);
  const auto normalised = [&] {
    return images.to(at::kFloat)
        .div_(255)
        .sub_(0.5)
        .div_(0.25)
        .contiguous(predictor.compute().memory_format);
  };
  const at::Tensor inputs = normalised();
  const auto own = [&] { (void)predictor.predict(images); };
  const auto forward = [&] { (void)model->forward(inputs); };
  const auto by_hand = [&] { (void)at::softmax(model->forward(normalised()), 1); };
  std::vector<double> times, of_forward, of_hand;
  for (int turn = -3; turn < kTurns; ++turn) {
    const double time = milliseconds(own), bare = milliseconds(forward),
                 hand = milliseconds(by_hand);
    if (turn < 0) continue;
    times.push_back(time);
    of_forward.push_back(time / bare);
    of_hand.push_back(time / hand);
  }
  std::printf("%-9s %4ld x %ld x %3ld: %8.3f ms, %.3f of the forward, %.3f of it by hand\n",
              one.model, one.batch, one.channels, one.side, median(times), median(of_forward),
              median(of_hand));
}

}  // namespace
}  // namespace onecycle

int main(int count, char** arguments) {
  const at::NoGradGuard no_grad;
  if (count > 1) at::set_num_threads(std::atoi(arguments[1]));
  for (const onecycle::Case& one : onecycle::kCases) onecycle::compare(one);
}
