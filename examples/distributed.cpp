// One training by several processes, or by this one alone:
//
//   torchrun --no-python --nproc-per-node 2 ./distributed
//   mpirun -n 2 ./distributed

#include <iostream>
#include <onecycle/distributed.h>
#include <onecycle/error.h>
#include <onecycle/experiment.h>
#include <onecycle/observers.h>

#include <torch/torch.h>

int main() {
  try {
    const auto group = onecycle::distributed();
    torch::manual_seed(1);  // the same samples on every rank
    const auto x = torch::randn({5000, 20});
    const auto y = torch::sin(x.narrow(1, 0, 1)) + 0.5 * x.narrow(1, 1, 1);
    torch::nn::Sequential net(torch::nn::Linear(20, 64), torch::nn::ReLU(),
                              torch::nn::Linear(64, 1));
    onecycle::Experiment experiment(
        net, onecycle::regression(),
        onecycle::tensor_source(x.slice(0, 0, 4000), y.slice(0, 0, 4000)),
        onecycle::tensor_source(x.slice(0, 4000), y.slice(0, 4000)),
        {.batch_size = 128 / group->size(), .epochs = 10, .group = group});
    if (group->is_leader()) experiment.observe(onecycle::progress());
    const auto end = experiment.fit(onecycle::Sgd{.nesterov = true, .weight_decay = 1e-4},
                                    onecycle::OneCycle{.lr_max = 0.05});
    std::cout << "rank " << group->rank() << " of " << group->size() << ": loss "
              << end.validation->loss << "\n";
    return end.validation->loss < 0.1 ? 0 : 1;
  } catch (const onecycle::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
