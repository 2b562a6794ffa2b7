// Names of a file against those of a model, prefixes, rules, and what messages say of a mismatch.

#include "formats/names/match.h"

#include "onecycle/error.h"

#include "formats/torch/torch_writer.h"
#include "support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

StoredTensor tensor(const std::string& name, std::vector<std::int64_t> shape = {2},
                    const std::string& dtype = "F32") {
  StoredTensor result;
  result.name = name;
  result.dtype = dtype;
  result.shape = std::move(shape);
  return result;
}

std::vector<std::string> names_of(const std::vector<StoredTensor>& tensors) {
  std::vector<std::string> names;
  for (const StoredTensor& item : tensors) names.push_back(item.name);
  return names;
}

std::vector<std::string> renamed(std::vector<StoredTensor> tensors,
                                 const std::vector<RenameRule>& rules,
                                 const std::vector<WantedTensor>& wanted = {}) {
  rename(tensors, rules, wanted);
  return names_of(tensors);
}

TEST(Rename, PrefixesThatAllShare) {
  EXPECT_THAT(renamed({tensor("module.a"), tensor("module.b.c")}, {}), ElementsAre("a", "b.c"));
  EXPECT_THAT(renamed({tensor("_orig_mod.module.a")}, {}), ElementsAre("a"));
  EXPECT_THAT(renamed({tensor("model.module.a"), tensor("model.b")}, {}),
              ElementsAre("module.a", "b"));
  EXPECT_THAT(renamed({tensor("model.a")}, {}, {{"model.a", {2}}}), ElementsAre("model.a"));
}

TEST(Rename, Rules) {
  EXPECT_THAT(renamed({tensor("backbone.a"), tensor("x.backbone.a")}, {{"backbone.", ""}}),
              ElementsAre("a", "x.backbone.a"));
  EXPECT_THAT(renamed({tensor("layers.3.w"), tensor("fc.w")},
                      {{"^layers\\.(\\d+)\\.", "layer$1."}, {"fc.", "linear."}}),
              ElementsAre("layer3.w", "linear.w"));
  EXPECT_THAT(
      [] {
        renamed({tensor("a.x"), tensor("b.x")}, {{"a.", ""}, {"b.", ""}});
      },
      testing::ThrowsMessage<CheckpointError>(HasSubstr("two of its tensors become x")));
}

TEST(Match, NamesWhatDiffers) {
  const Matching matching =
      match({tensor("conv.weight", {8, 3, 3, 3}), tensor("fc.weight", {10, 8}),
             tensor("bn.bias", {8}), tensor("bn.count", {}, "I64"), tensor("extra", {5})},
            {{"conv.weight", {8, 3, 3, 3}},
             {"linear.weight", {10, 8}},
             {"bn.bias", {9}},
             {"bn.count", {}, true},
             {"bn.num_batches_tracked", {}, false}});
  EXPECT_EQ(matching.pairs.size(), 1u);
  EXPECT_EQ(
      matching.text(),
      "; not in the file: linear.weight (of its shape: fc.weight); not in the model: fc.weight "
      "(of its shape: linear.weight), extra; other shapes: bn.bias (8 in the file, 9 in the "
      "model), bn.count (I64 in the file, floating-point in the model)");
  EXPECT_FALSE(matching.complete());
  // Counters may be of either kind.
  EXPECT_TRUE(match({tensor("b.num_batches_tracked", {}, "I64")}, {{"b.num_batches_tracked", {}}})
                  .complete());
  // A counter that old files lack is not missed.
  EXPECT_TRUE(match({tensor("a")}, {{"a", {2}}, {"b.num_batches_tracked", {}, false}}).complete());
  EXPECT_THAT(match({tensor("layer1.wieght")}, {{"layer1.weight", {2}}}).text(),
              HasSubstr("layer1.weight (nearest: layer1.wieght)"));
}

TEST(ModelPart, OfOwnCheckpoints) {
  WeightsContent content;
  content.tensors = {tensor("model.a"), tensor("model.n", {}, "I64"),
                     tensor("optimizer.velocity.a"), tensor("average.a", {3})};
  bool own = false;
  const auto raw = model_part(content, /*averaged=*/false, own);
  EXPECT_TRUE(own);
  EXPECT_THAT(names_of(raw), ElementsAre("a", "n"));
  EXPECT_EQ(raw[0].shape.front(), 2);
  EXPECT_EQ(model_part(content, /*averaged=*/true, own)[0].shape.front(), 3);
  content.tensors.push_back(tensor("other"));
  EXPECT_EQ(model_part(content, true, own).size(), 5u);
  EXPECT_FALSE(own);
}

TEST(TorchWriter, IsReadBack) {
  const TemporaryFolder folder;
  const std::vector<float> numbers = {1, 2, 3, 4, 5, 6};
  StoredTensor matrix = tensor("a.matrix", {2, 3});
  matrix.data = numbers.data();
  matrix.bytes = 24;
  StoredTensor nothing = tensor("nothing", {0, 4});
  TorchOptimizer optimizer;
  optimizer.group = {
      {"lr", 0.5}, {"nesterov", true}, {"betas", std::pair{0.9, 0.99}}, {"foreach", {}}};
  optimizer.states = {{matrix}};
  write_torch(folder / "plain.pth", {matrix, nothing});
  write_torch(folder / "both.pth", {matrix, nothing}, optimizer, 7);
  for (const char* name : {"plain.pth", "both.pth"}) {
    const WeightsFile file(folder / name);
    EXPECT_EQ(file.content().member, name == std::string("both.pth") ? "state_dict" : "");
    ASSERT_THAT(names_of(file.content().tensors), ElementsAre("a.matrix", "nothing"));
    const StoredTensor& read = file.content().tensors[0];
    EXPECT_EQ(read.shape, matrix.shape);
    EXPECT_EQ(read.strides, (std::vector<std::int64_t>{3, 1}));
    EXPECT_EQ(std::string(static_cast<const char*>(read.data), read.bytes),
              std::string(reinterpret_cast<const char*>(numbers.data()), 24));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(read.data) % 64, 0u);
  }
  EXPECT_EQ(read_bytes(folder / "plain.pth"), (write_torch(folder / "again.pth", {matrix, nothing}),
                                               read_bytes(folder / "again.pth")));
}

}  // namespace
}  // namespace onecycle
