// A regression on a CSV file: numbers, a category that the network embeds, predictions of new rows.

#include <fstream>
#include <iostream>
#include <onecycle/experiment.h>
#include <onecycle/models.h>
#include <onecycle/observers.h>
#include <onecycle/table.h>
#include <onecycle/tasks.h>

#include <torch/torch.h>

// Stands for a file of yours.
void write_houses(const char* file) {
  torch::manual_seed(1);
  std::ofstream out(file);
  out << "area,town,price\n";
  for (int row = 0; row < 4000; ++row) {
    const double area = 30 + 170 * torch::rand({}).item<double>();
    const int town = static_cast<int>(25 * torch::rand({}).item<double>());
    out << area << ",town " << town << "," << area * (10 + 3 * (town % 9)) << "\n";
  }
}

int main() {
  write_houses("houses.csv");
  const onecycle::DataSet data = onecycle::load_table({.train = "houses.csv", .target = {"price"}},
                                                      onecycle::TargetKind::values, 400);

  onecycle::ModelContext context{data.channels(), data.height(), data.width(), data.outputs()};
  context.sample_shape = data.sample_shape();
  context.categories = data.table->categories();
  const auto net = onecycle::make_model(
      onecycle::Mlp{.hidden = {128, 64}, .norm = onecycle::Mlp::Norm::batch}, context);

  const auto source = [&](const onecycle::ImageSet& part) {
    return onecycle::tensor_source(part.images, part.labels, /*seed=*/1, net->input_dtype());
  };
  onecycle::Experiment experiment(net, onecycle::regression({.targets = data.targets}),
                                  source(data.train), source(data.validation),
                                  {.batch_size = 64, .epochs = 10});
  experiment.observe(onecycle::progress());
  const auto end =
      experiment.fit(onecycle::AdamW{.weight_decay = 1e-2}, onecycle::OneCycle{.lr_max = 0.01});

  std::ofstream("new.csv") << "town,area\ntown 8,100\nelsewhere,100\n";
  net->eval();
  const auto rows = onecycle::read_rows("new.csv", *data.table);
  const torch::NoGradGuard no_grad;
  const auto price = net->forward(rows) * data.targets.std[0] + data.targets.mean[0];
  std::cout << "R2 " << end.validation->metrics.at(2)
            << ", 100 m2 in town 8: " << price[0].item<double>() << "\n";
  return end.validation->metrics.at(2) > 0.98 ? 0 : 1;
}
