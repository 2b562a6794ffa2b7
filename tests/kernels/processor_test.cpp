// What a process may use of a processor, by its features and the environment.

#include "kernels/processor.h"

#include "onecycle/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

namespace onecycle::kernels {
namespace {

using Variables = std::map<std::string, std::string>;

constexpr CpuFeatures kTiles = {CpuLevel::bf16, true};
constexpr CpuFeatures kAvx2 = {CpuLevel::avx2, false};

Processor under(const CpuFeatures& hardware, const Variables& variables) {
  return processor_under(hardware, [&](const char* name) -> std::string {
    const auto found = variables.find(name);
    return found == variables.end() ? "" : found->second;
  });
}

TEST(Processor, IsWholeWhereNothingIsSet) {
  const Processor whole = under(kTiles, {});
  EXPECT_EQ(whole.own, CpuLevel::bf16);
  EXPECT_EQ(whole.onednn.level, CpuLevel::bf16);
  EXPECT_TRUE(whole.onednn.tiles);
  EXPECT_EQ(whole.own_cap + whole.onednn_cap, "");
}

TEST(Processor, OwnLoopsAreCappedAlone) {
  const std::map<std::string, CpuLevel> levels = {{"generic", CpuLevel::generic},
                                                  {"avx2", CpuLevel::avx2},
                                                  {"avx512", CpuLevel::avx512},
                                                  {"bf16", CpuLevel::bf16}};
  for (const auto& [name, level] : levels) {
    const Processor capped = under(kTiles, {{"ONECYCLE_CPU", name}});
    EXPECT_EQ(capped.own, level);
    EXPECT_EQ(name_of(capped.own), name);
    EXPECT_EQ(capped.own_cap, "ONECYCLE_CPU=" + name);
    EXPECT_TRUE(capped.onednn.tiles);
  }
}

TEST(Processor, ACapGivesNothing) {
  const Processor capped = under(kAvx2, {{"ONECYCLE_CPU", "bf16"}, {"ONEDNN_MAX_CPU_ISA", "ALL"}});
  EXPECT_EQ(capped.own, CpuLevel::avx2);
  EXPECT_EQ(capped.onednn.level, CpuLevel::avx2);
}

// oneDNN's names, of its documentation.
TEST(Processor, FollowsTheCapOfOnednn) {
  struct Case {
    const char* name;
    CpuLevel level;
    bool tiles;
  };
  for (const auto& [name, level, tiles] :
       {Case{"SSE41", CpuLevel::generic, false}, Case{"AVX", CpuLevel::generic, false},
        Case{"AVX2", CpuLevel::avx2, false}, Case{"avx2", CpuLevel::avx2, false},
        Case{"AVX2_VNNI", CpuLevel::avx2, false}, Case{"AVX2_VNNI_2", CpuLevel::avx2, false},
        Case{"AVX512_CORE", CpuLevel::avx512, false},
        Case{"AVX512_CORE_VNNI", CpuLevel::avx512, false},
        Case{"AVX512_CORE_BF16", CpuLevel::bf16, false},
        Case{"AVX512_CORE_FP16", CpuLevel::bf16, false}, Case{"AVX10_1_512", CpuLevel::bf16, false},
        Case{"AVX512_CORE_AMX", CpuLevel::bf16, true},
        Case{"AVX512_CORE_AMX_FP16", CpuLevel::bf16, true},
        Case{"AVX10_1_512_AMX", CpuLevel::bf16, true}, Case{"ALL", CpuLevel::bf16, true},
        Case{"DEFAULT", CpuLevel::bf16, true}, Case{"UNHEARD_OF", CpuLevel::bf16, true}}) {
    const Processor capped = under(kTiles, {{"ONEDNN_MAX_CPU_ISA", name}});
    EXPECT_EQ(capped.onednn.level, level) << name;
    EXPECT_EQ(capped.onednn.tiles, tiles) << name;
    EXPECT_EQ(capped.own, level) << name;
    EXPECT_EQ(capped.own_cap, std::string("ONEDNN_MAX_CPU_ISA=") + name);
  }
  const Processor older = under(kTiles, {{"DNNL_MAX_CPU_ISA", "AVX2"}, {"ONEDNN_MAX_CPU_ISA", ""}});
  EXPECT_EQ(older.onednn.level, CpuLevel::avx2);
  EXPECT_EQ(older.onednn_cap, "DNNL_MAX_CPU_ISA=AVX2");
}

TEST(Processor, OwnCapGoesBeforeThatOfOnednn) {
  const Processor both = under(kTiles, {{"ONECYCLE_CPU", "bf16"}, {"ONEDNN_MAX_CPU_ISA", "AVX2"}});
  EXPECT_EQ(both.own, CpuLevel::bf16);
  EXPECT_EQ(both.onednn.level, CpuLevel::avx2);
}

TEST(Processor, ALevelThatIsNoneIsRefused) {
  for (const char* wrong : {"AVX2", "sse", "amx", " avx2"})
    EXPECT_THAT(
        [&] {
          under(kTiles, {{"ONECYCLE_CPU", wrong}});
        },
        testing::ThrowsMessage<UsageError>(
            std::string("ONECYCLE_CPU: expected generic, avx2, avx512 or bf16, got '") + wrong +
            "'"));
}

}  // namespace
}  // namespace onecycle::kernels
