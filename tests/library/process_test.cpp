// What the process is set to, which no call of the library changes.

#include "onecycle/build.h"
#include "onecycle/device_settings.h"
#include "onecycle/observers.h"
#include "onecycle/range_test.h"

#include "core/text/format.h"
#include "library/pictures.h"
#include "library/support.h"
#include "support/temporary_folder.h"
#include "yaml/yaml.h"

#include <clocale>
#include <csignal>
#include <exception>
#include <filesystem>
#include <gtest/gtest.h>
#include <locale>
#include <map>
#include <sys/resource.h>
#include <unistd.h>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/DefaultDtype.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Flags.h>
#include <torch/nn/modules/dropout.h>

C10_DECLARE_int(caffe2_log_level);

namespace onecycle::testing {
namespace {

using Settings = std::map<std::string, std::string>;

std::string bytes_of(const void* data, std::size_t size) {
  std::string text;
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < size; ++i) text += format("{:02x}", bytes[i]);
  return text;
}

void add_libtorch(Settings& settings) {
  const auto add_generator = [&](at::Device device) {
    const at::Tensor state = at::globalContext().defaultGenerator(device).get_state();
    settings["generator of " + device.str()] = bytes_of(state.const_data_ptr(), state.nbytes());
  };
  settings["threads"] = format("{}", at::get_num_threads());
  settings["threads between operations"] = format("{}", at::get_num_interop_threads());
  settings["log level"] = format("{}", FLAGS_caffe2_log_level);
  settings["allocator"] = format("{}", fmt::ptr(c10::GetCPUAllocator()));
  settings["default type"] = std::string(c10::get_default_dtype().name());
  settings["gradients"] = format("{}", c10::GradMode::is_enabled());
  settings["deterministic"] = format("{}", at::globalContext().deterministicAlgorithms());
  settings["cuDNN chooses"] = format("{}", at::globalContext().benchmarkCuDNN());
  settings["cuDNN repeats"] = format("{}", at::globalContext().deterministicCuDNN());
  settings["TF32"] = tf32_text();
  add_generator(at::kCPU);
  if (!at::hasCUDA()) return;
  add_generator({at::kCUDA, 0});
  settings["GPU"] = c10::impl::VirtualGuardImpl(at::kCUDA).getDevice().str();
}

void add_system(Settings& settings) {
  for (char** variable = environ; *variable != nullptr; ++variable)
    settings[std::string("variable ") + *variable];
  for (int signal = 1; signal < SIGRTMAX; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) != 0) continue;
    settings[format("signal {}", signal)] =
        format("{} {:x}", fmt::ptr(reinterpret_cast<void*>(action.sa_handler)), action.sa_flags);
  }
  sigset_t mask{};
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  for (int signal = 1; signal < SIGRTMAX; ++signal)
    settings[format("signal {} is blocked", signal)] = format("{}", sigismember(&mask, signal));
  for (int resource = 0; resource < static_cast<int>(RLIMIT_NLIMITS); ++resource) {
    rlimit limit{};
    ::getrlimit(static_cast<__rlimit_resource>(resource), &limit);
    settings[format("limit {}", resource)] = format("{} {}", limit.rlim_cur, limit.rlim_max);
  }
  settings["locale"] = std::setlocale(LC_ALL, nullptr);
  settings["locale of streams"] = std::locale().name();
  settings["folder"] = std::filesystem::current_path().string();
  settings["terminate"] = format("{}", fmt::ptr(reinterpret_cast<void*>(std::get_terminate())));
}

Settings settings() {
  Settings result;
  add_libtorch(result);
  add_system(result);
  return result;
}

constexpr const char* kRecipe = R"(
data:
  format: {name: synthetic, train: 100, test: 20, classes: 4, channels: 1, height: 8, width: 8}
  batch_size: 16
  validation: 20
model: {name: mlp, hidden: [12], dropout: 0.1}
optimizer: {name: sgd}
schedule: {name: one_cycle, lr_max: 0.1}
train: {duration: 1ep, device: cpu, threads: 1}
)";

// Several threads, so that a recipe's one is another number.
class Process : public ::testing::Test {
 protected:
  Process() : threads_(at::get_num_threads()) { at::set_num_threads(3); }
  ~Process() override { at::set_num_threads(threads_); }

 private:
  int threads_;
};

TEST_F(Process, IsLeftAsItIsByAnExperiment) {
  const TemporaryFolder folder;
  const auto network = picture_network(3);
  torch::nn::Sequential net(torch::nn::Linear(5, 16), torch::nn::Dropout(0.3),
                            torch::nn::Linear(16, 1));
  const auto train = training(), held = held_out();
  at::manual_seed(11);
  const Settings before = settings();

  Experiment experiment(net, regression(), train, held, kOptions);
  experiment.observe(csv(folder.path(), regression()->metrics()));
  experiment.fit(Sgd{}, OneCycle{.lr_max = 0.05});
  EXPECT_EQ(settings(), before) << "a training";
  (void)experiment.evaluate(*held);
  (void)range_test(experiment, Sgd{}, {.seeds = 2, .coarse_steps = 20, .steps = 20});
  EXPECT_EQ(settings(), before) << "a range test";

  Experiment of_pictures = experiment_on_pictures(network, 4);
  of_pictures.keep_checkpoints_in(checkpoints_in(folder.path()));
  of_pictures.fit(AdamW{}, Constant{.lr = 1e-3});
  EXPECT_EQ(settings(), before) << "checkpoints";

  class Unsound : public Observer {
    void on_batch_end(const BatchEnd&) override { throw Error("no more"); }
  };
  experiment.observe(std::make_shared<Unsound>());
  EXPECT_THROW(experiment.fit(Sgd{}, OneCycle{.lr_max = 0.05}), Error);
  EXPECT_EQ(settings(), before) << "an error";

  const Predictor predictor(folder.path());  // draws, as every module of torch::nn that is made
  at::manual_seed(11);
  (void)predictor.predict(pictures(5));
  EXPECT_EQ(settings(), before) << "a prediction";
}

TEST_F(Process, IsLeftAsItIsByARecipe) {
  const RecipeRun first = build(read_recipe(parse_yaml(kRecipe, "r.yaml"), {}), {});
  at::manual_seed(11);
  const Settings before = settings();
  const RecipeRun run = build_on(first.data, first.recipe, {});
  at::manual_seed(11);
  Trainer(run).fit();
  EXPECT_EQ(settings(), before);

  Environment environment;
  environment.use_threads = at::set_num_threads;
  (void)build_on(first.data, first.recipe, environment);
  EXPECT_EQ(at::get_num_threads(), 1);
}

}  // namespace
}  // namespace onecycle::testing
