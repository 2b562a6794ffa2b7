// examples/custom_module.cpp as one writes it with LibTorch alone.

#include <iostream>

#include <torch/torch.h>

struct Net : torch::nn::Module {
  Net() {
    first = register_module("first", torch::nn::Linear(2, 64));
    second = register_module("second", torch::nn::Linear(64, 64));
    out = register_module("out", torch::nn::Linear(64, 1));
  }
  at::Tensor forward(const at::Tensor& inputs) {
    return out(torch::relu(second(torch::relu(first(inputs)))));
  }

  torch::nn::Linear first = nullptr, second = nullptr, out = nullptr;
};

// Yes or no, with half the weight on the noes.
at::Tensor weighted_loss(const at::Tensor& outputs, const at::Tensor& yes) {
  return torch::binary_cross_entropy_with_logits(outputs, yes, 0.5 + 0.5 * yes);
}

// From a tenth of the highest rate up to it, down again in as many steps, then towards 0; beta1 the
// other way.
void set_one_cycle(torch::optim::AdamW& optimizer, double lr_max, int64_t step, int64_t total) {
  const double up = 0.45 * total, at = static_cast<double>(step);
  const double height = std::max(0.0, at < up ? at / up : 2 - at / up);
  const double lr_min = lr_max / 10;
  const double after = std::max(0.0, (at - 2 * up) / (total - 1 - 2 * up));
  const double lr = lr_min + (lr_max - lr_min) * height - 0.999 * lr_min * after;
  for (auto& group : optimizer.param_groups())
    static_cast<torch::optim::AdamWOptions&>(group.options())
        .lr(lr)
        .betas({0.95 - 0.1 * height, 0.999});
}

int main() {
  torch::manual_seed(1);
  const auto points = torch::rand({6000, 2}) * 2 - 1;  // inside a ring?
  const auto radius = points.square().sum(1, /*keepdim=*/true);
  const auto inside = ((radius > 0.2) & (radius < 0.7)).to(torch::kFloat);
  const auto inputs = points.slice(0, 0, 5000), targets = inside.slice(0, 0, 5000);
  const auto held_out = points.slice(0, 5000), answers = inside.slice(0, 5000);

  constexpr int64_t kBatch = 100, kEpochs = 10, kSteps = 5000 / kBatch;
  const auto net = std::make_shared<Net>();
  torch::optim::AdamW optimizer(net->parameters(), torch::optim::AdamWOptions().weight_decay(1e-2));
  double accuracy = 0;
  for (int64_t epoch = 0; epoch < kEpochs; ++epoch) {
    net->train();
    const auto order = torch::randperm(5000);
    double train_loss = 0;
    for (int64_t i = 0; i < kSteps; ++i) {
      set_one_cycle(optimizer, 0.02, epoch * kSteps + i, kEpochs * kSteps);
      const auto rows = order.slice(0, i * kBatch, (i + 1) * kBatch);
      const auto yes = targets.index_select(0, rows);
      const auto outputs = net->forward(inputs.index_select(0, rows));
      const auto loss = weighted_loss(outputs, yes);
      optimizer.zero_grad();
      loss.backward();
      optimizer.step();
      train_loss += loss.item<double>() / kSteps;
    }
    const torch::NoGradGuard no_grad;
    net->eval();
    const auto outputs = net->forward(held_out);
    const auto loss = weighted_loss(outputs, answers).item<double>();
    accuracy = ((outputs > 0) == (answers > 0.5)).to(torch::kFloat).mean().item<double>();
    std::cout << "epoch " << epoch + 1 << "  loss " << train_loss << "  held out " << loss
              << "  accuracy " << accuracy << "\n";
  }
  return accuracy > 0.95 ? 0 : 1;
}
