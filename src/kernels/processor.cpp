#include "kernels/processor.h"

#include "onecycle/error.h"

#include "core/text/format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <utility>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace onecycle::kernels {

namespace {

constexpr const char* kOwnCap = "ONECYCLE_CPU";
constexpr std::array kLevels = {CpuLevel::generic, CpuLevel::avx2, CpuLevel::avx512,
                                CpuLevel::bf16};

// oneDNN's names that take something away; it disregards any other.
constexpr std::pair<const char*, CpuLevel> kOnednnCaps[] = {
    {"SSE41", CpuLevel::generic},
    {"AVX", CpuLevel::generic},
    {"AVX2", CpuLevel::avx2},
    {"AVX2_VNNI", CpuLevel::avx2},
    {"AVX2_VNNI_2", CpuLevel::avx2},
    {"AVX512_CORE", CpuLevel::avx512},
    {"AVX512_CORE_VNNI", CpuLevel::avx512},
    {"AVX512_CORE_BF16", CpuLevel::bf16},
    {"AVX512_CORE_FP16", CpuLevel::bf16},
    {"AVX10_1_512", CpuLevel::bf16},
};

CpuFeatures features_of_hardware() {
  CpuFeatures features;
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  const bool avx512 =
      avx2 && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
      __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  if (avx2) features.level = CpuLevel::avx2;
  if (avx512) features.level = CpuLevel::avx512;
  if (avx512 && __builtin_cpu_supports("avx512bf16") != 0) features.level = CpuLevel::bf16;
  // Not every compiler's __builtin_cpu_supports() knows it: leaf 7's EDX, bit 22.
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  features.tiles = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx >> 22 & 1) != 0;
#endif
  return features;
}

std::string assignment(const char* name, const std::string& value) {
  return value.empty() ? "" : format("{}={}", name, value);
}

CpuLevel level_named(const std::string& text) {
  std::string names;
  for (const CpuLevel level : kLevels) {
    if (text == name_of(level)) return level;
    names += format("{}{}",
                    names.empty()             ? ""
                    : level == kLevels.back() ? " or "
                                              : ", ",
                    name_of(level));
  }
  throw UsageError(format("{}: expected {}, got '{}'", kOwnCap, names, text));
}

CpuFeatures capped_by_onednn(const CpuFeatures& hardware, std::string cap) {
  std::transform(cap.begin(), cap.end(), cap.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
  for (const auto& [name, level] : kOnednnCaps)
    if (cap == name) return {std::min(hardware.level, level), false};
  return hardware;
}

}  // namespace

const char* name_of(CpuLevel level) {
  switch (level) {
    case CpuLevel::generic:
      return "generic";
    case CpuLevel::avx2:
      return "avx2";
    case CpuLevel::avx512:
      return "avx512";
    case CpuLevel::bf16:
      break;
  }
  return "bf16";
}

Processor processor_under(const CpuFeatures& hardware,
                          const std::function<std::string(const char*)>& variable) {
  Processor result;
  result.hardware = hardware;
  // The second is what the library was called before; it still reads it.
  for (const char* name : {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"}) {
    const std::string cap = variable(name);
    if (cap.empty()) continue;
    result.onednn_cap = assignment(name, cap);
    result.onednn = capped_by_onednn(hardware, cap);
    break;
  }
  if (result.onednn_cap.empty()) result.onednn = hardware;
  const std::string own = variable(kOwnCap);
  result.own_cap = own.empty() ? result.onednn_cap : assignment(kOwnCap, own);
  result.own = own.empty() ? result.onednn.level : std::min(hardware.level, level_named(own));
  return result;
}

const Processor& processor() {
  static const Processor found =
      processor_under(features_of_hardware(), [](const char* name) -> std::string {
        const char* value = std::getenv(name);
        return value == nullptr ? "" : value;
      });
  return found;
}

bool has_avx512() { return processor().own >= CpuLevel::avx512; }

bool has_bf16_products() { return processor().own >= CpuLevel::bf16; }

bool has_tiles() { return processor().onednn.tiles; }

std::string why_no_bf16() {
  const Processor& here = processor();
  if (here.hardware.level < CpuLevel::bf16) return "this processor has no AVX-512 BF16";
  if (here.own < CpuLevel::bf16) return here.own_cap + " disables AVX-512 BF16";
  if (here.onednn.level < CpuLevel::bf16) return here.onednn_cap + " disables AVX-512 BF16";
  return "";
}

}  // namespace onecycle::kernels
