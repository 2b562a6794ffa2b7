// One-cycle learning rate and momentum in a LibTorch loop of one's own: a schedule is a pure
// function of the step.
#include "onecycle/schedules.h"

#include <cstdio>

#include <torch/torch.h>

int main() {
  torch::manual_seed(1);
  const torch::Tensor x = torch::randn({512, 8});
  const torch::Tensor y = (x * torch::arange(1, 9)).sum(1, /*keepdim=*/true);
  torch::nn::Linear net(8, 1);
  torch::optim::SGD optimizer(net->parameters(), torch::optim::SGDOptions(0.01).momentum(0.9));

  onecycle::OneCycle cycle;
  cycle.lr_max = 0.05;
  const auto schedule = onecycle::make_schedule(cycle, {});
  constexpr std::int64_t kSteps = 200;
  for (std::int64_t step = 0; step < kSteps; ++step) {
    const onecycle::Hyper hyper = schedule->at(step, kSteps);
    for (auto& group : optimizer.param_groups()) {
      auto& options = static_cast<torch::optim::SGDOptions&>(group.options());
      options.lr(hyper.lr);
      options.momentum(hyper.momentum);
    }
    const torch::Tensor rows = torch::randint(x.size(0), {64});
    optimizer.zero_grad();
    const torch::Tensor loss =
        torch::mse_loss(net(x.index_select(0, rows)), y.index_select(0, rows));
    loss.backward();
    optimizer.step();
    if (step % 50 == 0 || step + 1 == kSteps)
      std::printf("step %3ld  lr %.4f  momentum %.3f  loss %.5f\n", long(step), hyper.lr,
                  hyper.momentum, loss.item<double>());
  }
  return torch::mse_loss(net(x), y).item<double>() < 1e-3 ? 0 : 1;
}
