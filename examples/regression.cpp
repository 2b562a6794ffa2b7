// A torch::nn::Sequential on tensors: the rate by a range test, then one cycle; the weights saved.

#include <iostream>
#include <onecycle/observers.h>
#include <onecycle/range_test.h>

#include <torch/torch.h>

int main() {
  torch::manual_seed(1);
  const auto x = torch::randn({5000, 20});
  const auto y =
      torch::sin(x.narrow(1, 0, 1)) + 0.5 * x.narrow(1, 1, 1) + 0.1 * torch::randn({5000, 1});
  const auto train = onecycle::tensor_source(x.slice(0, 0, 4000), y.slice(0, 0, 4000));
  const auto held_out = onecycle::tensor_source(x.slice(0, 4000), y.slice(0, 4000));

  torch::nn::Sequential net(torch::nn::Linear(20, 64), torch::nn::ReLU(), torch::nn::Linear(64, 1));
  onecycle::Experiment experiment(net, onecycle::regression(), train, held_out,
                                  {.batch_size = 128, .epochs = 5});
  const auto found = onecycle::range_test(experiment, onecycle::Sgd{.nesterov = true});
  if (!found.lr_max) {
    std::cerr << "no learning rate: " << found.refused << "\n";
    return 1;
  }
  experiment.observe(onecycle::progress());
  const auto end = experiment.fit(onecycle::Sgd{.nesterov = true, .weight_decay = 1e-4},
                                  onecycle::OneCycle{.lr_max = *found.lr_max});
  torch::save(net, "regression.pt");
  std::cout << "lr_max " << *found.lr_max << ", loss " << end.validation->loss << "\n";
  return end.validation->loss < 0.1 ? 0 : 1;
}
