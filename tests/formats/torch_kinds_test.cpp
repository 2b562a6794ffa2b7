// What else torch.load(weights_only=True) reads, and what it refuses: files of
// tests/fuzz/weights_corpus.py (PyTorch 2.11), and a few of shared/cases/weights.

#include "onecycle/error.h"

#include "formats/names/match.h"
#include "formats/weights_file.h"
#include "support/places.h"
#include "support/tar.h"
#include "support/temporary_folder.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using Sizes = std::vector<std::int64_t>;

const std::string kCorpus = source_dir() + "/tests/fuzz/corpus/weights/";

std::string message_of(const std::string& path) {
  try {
    const WeightsFile file(path);
    return "";
  } catch (const CheckpointError& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error.what();
  }
}

const StoredTensor& named_tensor(const WeightsContent& content, const std::string& name) {
  const auto found = std::find_if(content.tensors.begin(), content.tensors.end(),
                                  [&](const auto& tensor) { return tensor.name == name; });
  if (found == content.tensors.end()) throw Error("no tensor " + name);
  return *found;
}

template <class T>
std::vector<T> numbers(const WeightsContent& content, const std::string& name) {
  const StoredTensor& tensor = named_tensor(content, name);
  std::vector<T> values(tensor.bytes / sizeof(T));
  std::memcpy(values.data(), tensor.data, tensor.bytes);
  return values;
}

void expect_unread(const WeightsContent& content, const std::string& name, const std::string& dtype,
                   const Sizes& shape) {
  const StoredTensor& tensor = named_tensor(content, name);
  EXPECT_EQ(tensor.dtype, dtype);
  EXPECT_EQ(tensor.shape, shape) << name;
  EXPECT_EQ(element_bytes(tensor.dtype), 0u) << name;
}

// Of both files: torch reads no legacy file with tensors of the newer types.
void expect_kinds(const WeightsContent& content) {
  EXPECT_EQ(content.member, "state_dict");
  EXPECT_THAT(numbers<float>(content, "parameter"), ElementsAre(3, 4));
  EXPECT_THAT(numbers<float>(content, "tagged"), ElementsAre(5, 6));
  expect_unread(content, "sparse", "sparse", {3, 3});
  expect_unread(content, "csr", "sparse", {3, 3});
  expect_unread(content, "complex", "complex64", {4});
  expect_unread(content, "quantised", "quantised", {5});
  expect_unread(content, "meta", "meta", {2, 2});
}

TEST(TorchKinds, AllThatTorchReadsWithWeightsOnly) {
  const WeightsFile file(kCorpus + "kinds.pth");
  const WeightsContent& content = file.content();
  EXPECT_EQ(content.tensors.size(), 11u);
  expect_kinds(content);
  EXPECT_EQ(named_tensor(content, "u16").dtype, "U16");
  EXPECT_THAT(numbers<std::uint16_t>(content, "u16"), ElementsAre(1, 65535));
  EXPECT_EQ(named_tensor(content, "u32").shape, (Sizes{2, 1}));
  EXPECT_THAT(numbers<std::uint32_t>(content, "u32"), ElementsAre(1u, 4294967295u));
  EXPECT_THAT(numbers<std::uint64_t>(content, "u64"), ElementsAre(1u, std::uint64_t{1} << 63));
  expect_unread(content, "fp8", "float8_e4m3fn", {2, 3});
}

TEST(TorchKinds, TheSameOfLegacyFiles) {
  const WeightsFile file(kCorpus + "legacy-kinds.pth");
  EXPECT_EQ(file.content().kind, WeightsKind::torch_legacy);
  EXPECT_EQ(file.content().tensors.size(), 7u);
  expect_kinds(file.content());
}

TEST(TorchKinds, SetsOfEveryProtocol) {
  for (const char* name : {"sets-2.pth", "sets-4.pth"}) {
    const WeightsFile file(kCorpus + name);
    EXPECT_THAT(numbers<float>(file.content(), "w"), ElementsAre(1, 1)) << name;
  }
}

TEST(TorchKinds, UnreadTensorsAreNamedOnlyWhereTheyAreWanted) {
  const WeightsFile file(kCorpus + "kinds.pth");
  const auto& tensors = file.content().tensors;
  const Matching without = match(tensors, {{"parameter", {2}}});
  EXPECT_EQ(without.pairs.size(), 1u);
  EXPECT_TRUE(without.other_shape.empty());
  const Matching with = match(tensors, {{"fp8", {2, 3}}, {"sparse", {3, 3}}});
  EXPECT_TRUE(with.pairs.empty());
  EXPECT_THAT(with.text(), HasSubstr("fp8 (float8_e4m3fn in the file, which is not read), "
                                     "sparse (sparse in the file, which is not read)"));
}

TEST(TorchKinds, AveragesAreTakenBeforeWhatTheyAreOf) {
  const WeightsFile timm(kCorpus + "ema.pth");
  EXPECT_THAT(numbers<float>(timm.content(), "w"), ElementsAre(1, 1));
  EXPECT_EQ(origin_text(timm.content()), "torch archive, state_dict_ema (not state_dict)");
  // Of torch.optim.swa_utils: beside the module's weights, the number of steps.
  const WeightsFile torchvision(kCorpus + "model-ema.pth");
  EXPECT_EQ(origin_text(torchvision.content()), "torch archive, model_ema (not model)");
  EXPECT_EQ(torchvision.content().tensors.size(), 2u);
  EXPECT_THAT(torchvision.content().skipped, ElementsAre("n_averaged"));
  const WeightsFile plain(kCorpus + "wrapped.pth");
  EXPECT_EQ(origin_text(plain.content()), "torch archive, state_dict");
}

TEST(TorchKinds, RefusalsSayHowToSaveTheWeightsAlone) {
  const auto expect = [](const std::string& name, const std::string& why,
                         const std::string& saved) {
    const std::string path = kCorpus + name;
    EXPECT_EQ(message_of(path), path + ": " + why + ", in Python: import torch; torch.save(" +
                                    saved + ", 'weights.pth')");
  };
  const auto loaded = [](const std::string& name) {
    return "torch.load('" + kCorpus + name + "', weights_only=False)";
  };
  const std::string advice = "; if you trust it, save its weights alone";
  expect("namespace.pth", "refused: the pickle wants argparse.Namespace" + advice,
         loaded("namespace.pth") + "['model']");
  const std::string linear = "refused: the pickle wants torch.nn.modules.linear.Linear" + advice;
  expect("module.pth", linear, loaded("module.pth") + ".state_dict()");
  expect("model-within.pth", linear, loaded("model-within.pth") + "['model'].state_dict()");
  expect("script.pt", "a TorchScript program, not weights; save its weights alone",
         "torch.jit.load('" + kCorpus + "script.pt').state_dict()");
}

// Magic number, version and machine of a legacy file.
std::string legacy_start() {
  const std::string bytes = read_bytes(kCorpus + "legacy.pth");
  return bytes.substr(0, bytes.find(std::string("\x75\x2e", 2)) + 2);
}

// A tensor of the numbers 3 and 4 in storage 0, in a legacy file by hand.
const std::string kPlace =
    "(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI2\ntQI0\nI2\n\x85I1\n\x85t";
const std::string kTensor = "ctorch._utils\n_rebuild_tensor\n(" + kPlace + "R";

WeightsContent legacy_file(const std::string& root) {
  static std::string bytes;  // that tensors point into
  const std::vector<float> values = {3, 4};
  bytes = legacy_start() + root + "](S'0'\ne." + std::string("\2\0\0\0\0\0\0\0", 8);
  bytes.append(reinterpret_cast<const char*>(values.data()), 8);
  return parse_weights(bytes);
}

// As PyTorch before 0.1.11, before 1.0 and for devices of its own writes them.
TEST(TorchKinds, OtherWaysToWriteATensor) {
  for (const std::string& written : {kTensor, "ctorch\nFloatTensor\n)R(" + kPlace + "b",
                                     "ctorch.nn.parameter\nParameter\n(" + kTensor + "I01\ntR",
                                     "ctorch._utils\n_rebuild_device_tensor_from_cpu_tensor\n(" +
                                         kTensor + "ctorch\nfloat32\nS'xla:0'\nI00\ntR"})
    EXPECT_THAT(numbers<float>(legacy_file("}(S'a'\n" + written + "u."), "a"), ElementsAre(3, 4))
        << written;
}

// In place of averages their settings, in place of a model's weights how it is built.
TEST(TorchKinds, SettingsUnderAUsualNameAreNotTaken) {
  const WeightsContent content = legacy_file(
      "}(S'model_ema'\n}(S'decay'\nF0.9\nuS'model'\n}(S'depth'\nI18\nuS'params'\n}(S'a'\n" +
      kTensor + "uu.");
  EXPECT_EQ(origin_text(content), "legacy torch pickle, params");
  EXPECT_THAT(numbers<float>(content, "a"), ElementsAre(3, 4));
}

// Nobody is told to load a file that runs a command.
TEST(TorchKinds, NoAdviceWhereACommandWouldRun) {
  const TemporaryFolder folder;
  const std::string bytes = legacy_start();
  const std::string path = folder.write_text("a.pth", bytes + "cos\nsystem\n(S'id'\ntR.");
  EXPECT_EQ(message_of(path), path + ": refused: the pickle wants os.system");
  const std::string hidden =
      folder.write_text("b.pth", bytes + "}(S'model'\ncx\ny\n)RS'a'\ncos\nsystem\n(S'id'\ntRu.");
  EXPECT_THAT(message_of(hidden), AllOf(HasSubstr("wants x.y; save the model's state_dict() alone"),
                                        Not(HasSubstr("weights_only"))));
}

// A name in the memo may be used a million times.
TEST(TorchKinds, NoAdviceForNamesThatNobodyGives) {
  const TemporaryFolder folder;
  const auto message = [&](std::size_t length) {
    const std::string name(length, 'n');
    return message_of(folder.write_text("a.pth", legacy_start() + "cx\n" + name + "\n)R."));
  };
  EXPECT_THAT(message(20), HasSubstr("weights_only"));
  EXPECT_THAT(message(300), AllOf(EndsWith("; save the model's state_dict() alone"),
                                  Not(HasSubstr("weights_only"))));
}

TEST(TorchKinds, LinesOfPythonStayOnOneLine) {
  const TemporaryFolder folder;
  const std::string path = folder.write_text("a'\n.pth", legacy_start() + "cx\ny\n)R.");
  try {
    const WeightsFile file(path);
    FAIL();
  } catch (const CheckpointError& error) {
    EXPECT_THAT(error.what(), HasSubstr("a\\'\\x0a.pth', weights_only=False).state_dict()"));
  }
}

TEST(TorchKinds, OtherFilesAreNamed) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& bytes) {
    return message_of(folder.write_text("a", bytes));
  };
  EXPECT_THAT(message("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
              HasSubstr("a pointer of Git LFS in place of the file: `git lfs pull` gets it"));
  EXPECT_THAT(message("<!DOCTYPE html><html></html>"), HasSubstr("a web page"));
  EXPECT_THAT(message("\x1f\x8b\x08"), HasSubstr("packed by gzip"));
  EXPECT_THAT(message(R"({"metadata": {}, "weight_map": {"a": "model-1-of-2.safetensors"}})"),
              HasSubstr("a list of the files that a model's weights are spread over"));
  for (const auto& [first, why] :
       {std::pair{"storages",
                  "a tar archive, as torch.save wrote before PyTorch 0.1.11; if you "
                  "trust it, save it anew, in Python: import torch; torch.save("},
        std::pair{"readme", "a tar archive; unpack it first"}}) {
    folder.write("b", tar({{first, {1}}}));
    EXPECT_THAT(message_of(folder / "b"), HasSubstr(why));
  }
}

// Files of shared/cases/weights, which lies beside a clone of the sources.
TEST(TorchKinds, SharedCases) {
  const std::string cases = source_dir() + "/../shared/cases/weights/";
  if (!std::filesystem::exists(cases)) GTEST_SKIP() << cases << " is not there";
  for (const char* name : {"holds-a-dtype.pth", "holds-a-set.pth", "multistep-counter.pth",
                           "metadata-null.safetensors", "one-fp8-tensor.safetensors"})
    EXPECT_EQ(message_of(cases + name), "");
  EXPECT_THAT(message_of(cases + "holds-a-namespace.pth"),
              AllOf(HasSubstr("wants argparse.Namespace"), EndsWith("], 'weights.pth')")));
}

}  // namespace
}  // namespace onecycle
