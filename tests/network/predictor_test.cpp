// Files of weights at work. Linked without the trainer and without YAML.

#include "onecycle/predictor.h"

#include "onecycle/error.h"
#include "onecycle/options.h"

#include "core/text/json_text.h"
#include "data/tensor_bytes.h"
#include "formats/checkpoint_files.h"
#include "formats/safetensors/safetensors.h"
#include "network/weights.h"
#include "options/value_json.h"
#include "support/temporary_folder.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>
#include <thread>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace onecycle {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

const NetworkTask kTask{"toy", 3, 12, 12, {"a", "b", "c"}, {0.4, 0.5, 0.6}, {0.2, 0.25, 0.3}, 14};
constexpr const char* kModel = R"({"name":"resnet8","width":4,"shortcut":"B"})";

std::shared_ptr<Model> network(std::uint64_t seed = 7) {
  CifarResNet options;
  options.depth = 8;
  options.width = 4;
  options.shortcut = CifarResNet::Shortcut::b;
  auto model = make_model(options, {3, 12, 12, 3, seed});
  model->eval();
  return model;
}

Metadata described() { return {{kTaskKey, to_json(kTask)}, {kModelKey, kModel}}; }

void write_network(const std::string& path, const Metadata& metadata, std::uint64_t seed = 7) {
  const Parameters parameters(network(seed), at::kCPU, at::kFloat, at::MemoryFormat::Contiguous);
  Snapshot snapshot;
  copy_out(ordered_model_tensors(parameters), "model.", snapshot);
  std::vector<StoredTensor> tensors;
  for (const NamedTensor& item : snapshot.tensors)
    tensors.push_back(stored(item.name, item.tensor));
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  write_safetensors(path, tensors, metadata);
}

at::Tensor pictures(std::int64_t count) {
  return at::randint(0, 256, {count, 3, 12, 12}, at::kByte);
}

// As one does it by hand.
at::Tensor bare_logits(Model& model, const at::Tensor& images) {
  const at::NoGradGuard no_grad;
  const at::Tensor mean = at::tensor(kTask.mean).view({1, 3, 1, 1});
  const at::Tensor std = at::tensor(kTask.std).view({1, 3, 1, 1});
  return model.forward(((images.to(at::kDouble) / 255 - mean) / std)
                           .to(at::kFloat)
                           .contiguous(at::MemoryFormat::ChannelsLast));
}

void expect_close(const at::Tensor& a, const at::Tensor& b) {
  ASSERT_EQ(a.sizes(), b.sizes());
  EXPECT_LT((a - b).abs().max().item<float>(), 1e-5);
}

class OfAFile : public testing::Test {
 protected:
  OfAFile() { write_network(file_, described()); }

  TemporaryFolder folder_;
  std::string file_ = folder_ / "toy.safetensors";
};

TEST_F(OfAFile, GivesTheBareForwardsLogits) {
  const Predictor predictor(file_);
  const at::Tensor images = pictures(37);
  const Predictions found = predictor.predict(images);
  const at::Tensor logits = bare_logits(*network(), images);
  expect_close(found.logits, logits);
  expect_close(found.probabilities, at::softmax(logits, 1));
  EXPECT_FALSE(found.logits.requires_grad());
  expect_close(predictor.predict(images.to(at::kFloat) / 255).logits, logits);
  const at::Tensor larger = at::constant_pad_nd(images, {2, 2, 2, 2});
  EXPECT_TRUE(predictor.predict(larger).logits.equal(found.logits)) << "its centre";
  expect_close(Predictor(file_, {.batch_size = 5}).predict(images).logits, logits);
  expect_close(Predictor(network(), kTask).predict(images).logits, logits);
  EXPECT_EQ(predictor.predict(pictures(0)).probabilities.sizes(), at::IntArrayRef({0, 3}));
  EXPECT_EQ(predictor.predict(std::vector<std::string>()).logits.size(0), 0);
}

// As data.resize: 16 with data.size: 12, of images of 8x8.
TEST_F(OfAFile, ImagesAreResizedAsInTraining) {
  NetworkTask task = kTask;
  task.resize = 8;
  task.batch_resize = {16, 8, 8};
  Metadata metadata = described();
  metadata[kTaskKey] = to_json(task);
  EXPECT_EQ(task_in(metadata, "x")->batch_resize, task.batch_resize);
  write_network(file_, metadata);
  const Predictor predictor(file_);
  const at::Tensor images = at::randint(0, 256, {5, 3, 8, 8}, at::kByte);
  const at::Tensor seen = at::upsample_bilinear2d(images.to(at::kFloat), {16, 16}, false)
                              .narrow(2, 2, 12)
                              .narrow(3, 2, 12);
  const at::Tensor logits = bare_logits(*network(), seen);
  expect_close(predictor.predict(images).logits, logits);
  expect_close(predictor.predict(images.to(at::kFloat) / 255).logits, logits);
  const std::string png = folder_ / "of_32.png";
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = image.height = 32;
  image.format = PNG_FORMAT_GRAY;
  const std::vector<std::uint8_t> grey(1024, 90);
  ASSERT_NE(png_image_write_to_file(&image, png.c_str(), 0, grey.data(), 0, nullptr), 0);
  EXPECT_EQ(predictor.picture(png).sizes(), at::IntArrayRef({3, 8, 8}));
  task.resize = 1 << 16;
  for (const BatchResize& impossible :
       {BatchResize{11, 8, 8}, BatchResize{16, 1 << 16, 1 << 16}, BatchResize{1 << 16, 8, 8}}) {
    task.batch_resize = impossible;
    metadata[kTaskKey] = to_json(task);
    EXPECT_THAT([&] { (void)task_in(metadata, "x"); },
                testing::ThrowsMessage<CheckpointError>(HasSubstr("batch_resize")));
  }
}

TEST_F(OfAFile, ViewsAreAveraged) {
  const at::Tensor images = pictures(4);
  const auto model = network();
  const at::Tensor mirrored =
      (bare_logits(*model, images) + bare_logits(*model, images.flip({3}))) / 2;
  const Predictor predictor(file_, {.views = TestTimeAugmentation::flip});
  expect_close(predictor.predict(images).logits, mirrored);
}

TEST_F(OfAFile, TopClasses) {
  const Predictor predictor(file_);
  const auto top = predictor.top(at::tensor({0.2F, 0.7F, 0.1F}), 2);
  ASSERT_THAT(top, SizeIs(2));
  EXPECT_EQ(top[0].name, "b");
  EXPECT_FLOAT_EQ(static_cast<float>(top[0].probability), 0.7F);
  EXPECT_EQ(top[1].name, "a");
  EXPECT_THAT(predictor.top(at::tensor({0.2F, 0.7F, 0.1F}), 9), SizeIs(3));
}

TEST_F(OfAFile, Pictures) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = image.height = 30;
  image.format = PNG_FORMAT_GRAY;
  const std::vector<std::uint8_t> grey(900, 90);
  const std::string png = folder_ / "grey.png";
  ASSERT_NE(png_image_write_to_file(&image, png.c_str(), 0, grey.data(), 0, nullptr), 0);
  const Predictor predictor(file_);
  const at::Tensor picture = predictor.picture(png);
  EXPECT_TRUE(picture.equal(at::full({3, 12, 12}, 90, at::kByte)));
  const std::string text = read_bytes(png);
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  EXPECT_TRUE(predictor.picture(bytes, "upload").equal(picture));
  const auto found = predictor.predict(std::vector<std::string>{png, png, png});
  expect_close(found.logits, predictor.predict(picture.expand({3, 3, 12, 12})).logits);
  EXPECT_THROW((void)predictor.predict(std::vector<std::string>{png, file_}), DataError);
  EXPECT_THAT([&] { (void)predictor.picture({}, "upload"); },
              testing::ThrowsMessage<DataError>(HasSubstr("upload: ")));
}

// Several threads, each with a Predictor of its own and all with one that they share.
TEST_F(OfAFile, ThreadsDoNotMeet) {
  const at::Tensor images = pictures(9);
  const Predictor shared(file_);
  const at::Tensor expected = shared.predict(images).logits;
  const int threads_before = at::get_num_threads();
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (int& own_wrong : wrong)
    threads.emplace_back([&] {
      const Predictor own(file_);
      for (int i = 0; i < 20; ++i)
        for (const Predictor* predictor : {&own, &shared})
          if (!predictor->predict(images).logits.allclose(expected, 1e-5, 1e-6)) ++own_wrong;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(wrong, testing::Each(0));
  EXPECT_EQ(at::get_num_threads(), threads_before);
  EXPECT_TRUE(at::GradMode::is_enabled());
}

template <class Fault>
void expect_one_line(const std::function<void()>& call, const std::string& said) {
  EXPECT_THAT(call,
              testing::ThrowsMessage<Fault>(testing::AllOf(HasSubstr(said), Not(HasSubstr("\n")))));
}

TEST_F(OfAFile, OtherImagesAreRefused) {
  const Predictor predictor(file_);
  const auto refused = [&](const at::Tensor& images, const std::string& said) {
    expect_one_line<Error>([&] { (void)predictor.predict(images); }, said);
  };
  refused({}, "got none");
  refused(pictures(1)[0], "[N, 3, 12, 12]");
  refused(at::zeros({2, 1, 12, 12}, at::kByte), "[N, 3, 12, 12]");
  refused(at::zeros({2, 3, 12, 11}, at::kByte), "[N, 3, 12, 12]");
  refused(at::zeros({2, 3, 12, 12}, at::kLong), "uint8");
  refused(at::full({2, 3, 12, 12}, std::numeric_limits<float>::infinity()), "not numbers");
}

TEST(PredictorFiles, BrokenOnesAreRefusedInOneLine) {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& path, const std::string& said) {
    expect_one_line<CheckpointError>([&] { const Predictor predictor(path); }, said);
  };
  refused(folder / "none.safetensors", "none.safetensors: ");
  refused(folder.path(), "holds no checkpoint");
  refused(folder.write_text("text.pth", "no weights"), "text.pth: ");
  const auto refused_with = [&](const Metadata& metadata, const std::string& said) {
    write_network(folder / "x.safetensors", metadata);
    refused(folder / "x.safetensors", said);
  };
  refused_with({}, "does not say which network");
  refused_with({{kTaskKey, to_json(kTask)}}, "onecycle export");
  refused_with({{kTaskKey, "{}"}, {kModelKey, kModel}}, "task cannot be read");
  for (const char* model : {"", "[]", "{}", "{", R"({"name":"resnet7"})", R"({"name":3})",
                            R"({"name":"resnet8","width":"x"})", R"({"name":"resnet8","wide":4})"})
    refused_with({{kTaskKey, to_json(kTask)}, {kModelKey, model}}, "cannot be built: model");
  refused_with({{kTaskKey, to_json(kTask)}, {kModelKey, R"({"name":"resnet8","width":8})"}},
               "weights of another model");
  write_network(folder / "x.safetensors", described());
  const std::string whole = read_bytes(folder / "x.safetensors");
  write_bytes(folder / "torn.safetensors", whole.substr(0, whole.size() / 2));
  refused(folder / "torn.safetensors", "torn.safetensors: ");
}

TEST(PredictorFiles, EveryModelIsDescribedWhole) {
  const Variants models = builtin_models().variants();
  for (const Variant& variant : models) {
    const Choice chosen = choose(models, variant.name);
    const Choice read = choice_of(parse_json(to_json(chosen)), models, "model");
    EXPECT_EQ(read.name, variant.name);
    EXPECT_EQ(read.text(), chosen.text());
  }
}

TEST(PredictorFiles, ARunsFolderGivesItsNewestSoundCheckpoint) {
  const TemporaryFolder folder;
  const std::string checkpoints = checkpoints_path(folder.path());
  write_network(checkpoint_path(checkpoints, 5), described(), 5);
  write_network(checkpoint_path(checkpoints, 9), described(), 9);
  const at::Tensor images = pictures(3);
  expect_close(Predictor(folder.path()).predict(images).logits, bare_logits(*network(9), images));
  const std::string newest = checkpoint_path(checkpoints, 9);
  write_bytes(newest, read_bytes(newest).substr(0, 300));
  const Predictor predictor(folder.path());
  expect_close(predictor.predict(images).logits, bare_logits(*network(5), images));
  EXPECT_THAT(predictor.warnings(), testing::ElementsAre(HasSubstr(newest)));
}

}  // namespace
}  // namespace onecycle
