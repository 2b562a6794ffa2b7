// A Predictor beside a bare forward, for bench/run: calls in turns on a batch of uint8 images.
//   bench_predictor WAY MODEL BATCH CHANNELS SIDE [THREADS]
// WAY: predictor; forward, of inputs that were normalised before; by_hand, the forward with the
// normalisation and the softmax as one writes them with LibTorch.

#include "onecycle/predictor.h"

#include "turns.h"

#include <functional>
#include <map>
#include <string>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace onecycle {
namespace {

void call_in_turns(const std::string& way, const std::string& name, std::int64_t batch,
                   std::int64_t channels, std::int64_t side) {
  const auto values = static_cast<std::size_t>(channels);
  const NetworkTask task{"random",
                         channels,
                         side,
                         side,
                         std::vector<std::string>(10, "class"),
                         std::vector<double>(values, 0.5),
                         std::vector<double>(values, 0.25),
                         side};
  const auto model = builtin_models().make(name, {channels, side, side, 10});
  const Predictor predictor(model, task, {.device = DeviceChoice::cpu});
  const at::Tensor images = at::randint(0, 256, {batch, channels, side, side}, at::kByte);
  const auto normalised = [&] {
    return images.to(at::kFloat)
        .div_(255)
        .sub_(0.5)
        .div_(0.25)
        .contiguous(predictor.compute().memory_format);
  };
  const at::Tensor inputs = normalised();
  const std::map<std::string, std::function<void()>> ways = {
      {"predictor", [&] { (void)predictor.predict(images); }},
      {"forward", [&] { (void)model->forward(inputs); }},
      {"by_hand", [&] { (void)at::softmax(model->forward(normalised()), 1); }}};
  const std::function<void()>& call = ways.at(way);
  const at::NoGradGuard no_grad;
  for (Turns turns;; turns.done()) call();
}

}  // namespace
}  // namespace onecycle

int main(int count, char** arguments) {
  if (count > 6) at::set_num_threads(std::atoi(arguments[6]));
  if (count > 5)
    onecycle::call_in_turns(arguments[1], arguments[2], std::atoi(arguments[3]),
                            std::atoi(arguments[4]), std::atoi(arguments[5]));
  return 1;
}
