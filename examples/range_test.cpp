// What a range test gives: a rate, what the rules say, and the curves, here as CSV.

#include <iostream>
#include <onecycle/range_test.h>

#include <torch/torch.h>

int main() {
  torch::manual_seed(1);
  const auto x = torch::randn({3000, 10});
  const auto labels = x.narrow(1, 0, 3).argmax(1);
  const auto train = onecycle::tensor_source(x.slice(0, 0, 2000), labels.slice(0, 0, 2000));
  const auto held_out = onecycle::tensor_source(x.slice(0, 2000), labels.slice(0, 2000));

  torch::nn::Sequential net(torch::nn::Linear(10, 32), torch::nn::ReLU(), torch::nn::Linear(32, 3));
  onecycle::Experiment experiment(net, onecycle::classification(3), train, held_out,
                                  {.batch_size = 50, .epochs = 10});
  // The weights and all random generators are afterwards what they were before.
  const auto found = onecycle::range_test(experiment, onecycle::Sgd{}, {.seeds = 2, .steps = 200});

  std::cout << "lr,train_loss,held_out_loss,accuracy\n";
  for (const onecycle::SmoothedPoint& point : found.smoothed)
    std::cout << point.x << "," << point.train_loss.value << "," << point.held_out_loss.value << ","
              << point.held_out_metric.value << "\n";
  for (const onecycle::Suggestion& one : found.suggestions)
    std::cerr << one.rule << ": " << one.reason << "\n";
  if (!found.lr_max) {
    std::cerr << "no learning rate: " << found.refused << "\n";
    return 1;
  }
  std::cerr << "lr_max " << *found.lr_max << ", lr_min " << *found.lr_min << "\n";
  return 0;
}
