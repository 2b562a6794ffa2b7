#include "data_test_support.h"

#include <ATen/ATen.h>

namespace onecycle {
namespace {

DataSet make(const std::vector<std::pair<std::string, std::string>>& given = {}) {
  Value given_options = Value::map();
  for (const auto& [key, value] : given) given_options.set(key, Value::scalar(value));
  DatasetDescriptor descriptor;
  descriptor.name = "made-up";
  descriptor.format = chosen(builtin_formats(), "synthetic", given_options);
  DataOptions options;
  options.validation = 0;
  return load_data(options, descriptor);
}

TEST(Synthetic, HasTheShapeAskedFor) {
  const DataSet data = make({{"train", "21"},
                             {"test", "6"},
                             {"classes", "3"},
                             {"channels", "2"},
                             {"height", "5"},
                             {"width", "7"}});
  EXPECT_EQ(data.train.images.sizes(), at::IntArrayRef({21, 2, 5, 7}));
  EXPECT_EQ(data.train.images.scalar_type(), at::kByte);
  EXPECT_EQ(data.test.size(), 6);
  EXPECT_EQ(data.classes.size(), 3u);
  EXPECT_EQ(describe_data(data).splits[0].per_class, (std::vector<std::int64_t>{7, 7, 7}));
}

TEST(Synthetic, IsTheSameEveryTimeAndOtherForOtherSeeds) {
  EXPECT_TRUE(make({{"train", "50"}}).train.images.equal(make({{"train", "50"}}).train.images));
  EXPECT_FALSE(make({{"train", "50"}})
                   .train.images.equal(make({{"train", "50"}, {"seed", "1"}}).train.images));
  const DataSet data = make({{"train", "50"}, {"test", "50"}});
  EXPECT_FALSE(data.train.images.equal(data.test.images));
}

TEST(Synthetic, MoreSamplesKeepTheFirst) {
  EXPECT_TRUE(make({{"train", "80"}})
                  .train.images.narrow(0, 0, 50)
                  .equal(make({{"train", "50"}}).train.images));
}

// The nearest class mean of the training split tells nearly every test sample's class.
TEST(Synthetic, CanBeLearnt) {
  const DataSet data = make({{"train", "2000"}, {"test", "500"}});
  const at::Tensor train = data.train.images.flatten(1).to(at::kFloat);
  std::vector<at::Tensor> means;
  for (std::int64_t c = 0; c < 10; ++c)
    means.push_back(train.index({data.train.labels.eq(c)}).mean(0));
  const at::Tensor distance =
      at::cdist(data.test.images.flatten(1).to(at::kFloat), at::stack(means));
  const double accuracy =
      distance.argmin(1).eq(data.test.labels).to(at::kDouble).mean().item<double>();
  EXPECT_GT(accuracy, 0.98);
}

TEST(Synthetic, NoiseHasTheDeviationAskedFor) {
  const at::Tensor images =
      make({{"train", "1000"}, {"classes", "2"}, {"noise", "0.1"}}).train.images.to(at::kDouble);
  const at::Tensor one_class = images.slice(0, 0, 1000, 2);
  EXPECT_NEAR(one_class.std(0, true).mean().item<double>() / 255, 0.1, 0.003);
}

}  // namespace
}  // namespace onecycle
