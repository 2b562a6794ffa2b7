// Training inside an application: on a thread of its own, with a progress that the application
// shows, a callback that ends it when it is good enough, and a button that ends it at any time.

#include <atomic>
#include <chrono>
#include <iostream>
#include <onecycle/experiment.h>
#include <onecycle/observers.h>
#include <thread>

#include <torch/torch.h>

int main() {
  torch::manual_seed(1);
  const auto x = torch::randn({4000, 8});
  const auto y = x.sum(1, /*keepdim=*/true);
  torch::nn::Sequential net(torch::nn::Linear(8, 1));
  onecycle::Experiment experiment(net, onecycle::regression(),
                                  onecycle::tensor_source(x.slice(0, 0, 3000), y.slice(0, 0, 3000)),
                                  onecycle::tensor_source(x.slice(0, 3000), y.slice(0, 3000)),
                                  {.batch_size = 50, .epochs = 1000});

  std::atomic<double> epochs = 0;
  experiment.observe(
      onecycle::on_evaluated([&](const onecycle::Evaluated& event, onecycle::StopSignal& stop) {
        epochs = event.epoch;
        if (event.validation->loss < 1e-3)
          stop.request(onecycle::StopReason::early_stopped, "good enough");
      }));

  std::atomic<bool> done = false;
  onecycle::RunEnd end;
  std::thread training([&] {
    try {
      end = experiment.fit(onecycle::Sgd{}, onecycle::OneCycle{.lr_max = 0.05});
    } catch (const std::exception& error) {
      std::cerr << error.what() << "\n";
    }
    done = true;
  });
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!done) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::cout << "epoch " << epochs << "\n";
    if (std::chrono::steady_clock::now() > patience)  // "Cancel"
      experiment.stop().request(onecycle::StopReason::interrupted, "cancelled");
  }
  training.join();
  std::cout << onecycle::name_of(end.reason) << ": " << end.message << "\n";
  return end.reason == onecycle::StopReason::early_stopped ? 0 : 1;
}
