// A module and a loss of one's own, trained by one cycle.

#include <iostream>
#include <onecycle/experiment.h>
#include <onecycle/observers.h>

#include <torch/torch.h>

// Any module with a forward from tensor to tensor.
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
struct Weighted : onecycle::Task {
  at::Tensor loss(const at::Tensor& outputs, const onecycle::Batch& batch) const override {
    const auto yes = batch.targets.narrow(0, 0, batch.valid);
    return torch::binary_cross_entropy_with_logits(outputs.narrow(0, 0, batch.valid), yes,
                                                   0.5 + 0.5 * yes);
  }
  at::Tensor held_out_loss(const at::Tensor& outputs, const onecycle::Batch& batch) const override {
    return loss(outputs, batch);
  }
  std::vector<onecycle::Metric> metrics() const override {
    return {{"accuracy", "acc", true, true}};
  }
  at::Tensor metric_sums(const at::Tensor& outputs, const onecycle::Batch& batch) const override {
    const auto right = (outputs > 0) == (batch.targets > 0.5);
    return right.narrow(0, 0, batch.valid).sum().to(at::kDouble).view({1});
  }
};

int main() {
  torch::manual_seed(1);
  const auto points = torch::rand({6000, 2}) * 2 - 1;  // inside a ring?
  const auto radius = points.square().sum(1, /*keepdim=*/true);
  const auto inside = ((radius > 0.2) & (radius < 0.7)).to(torch::kFloat);

  onecycle::Experiment experiment(
      std::make_shared<Net>(), std::make_shared<Weighted>(),
      onecycle::tensor_source(points.slice(0, 0, 5000), inside.slice(0, 0, 5000)),
      onecycle::tensor_source(points.slice(0, 5000), inside.slice(0, 5000)),
      {.batch_size = 100, .epochs = 10});
  experiment.observe(onecycle::progress());
  const auto end =
      experiment.fit(onecycle::AdamW{.weight_decay = 1e-2}, onecycle::OneCycle{.lr_max = 0.02});
  std::cout << "accuracy " << end.validation->metric() << "\n";
  return end.validation->metric() > 0.95 ? 0 : 1;
}
