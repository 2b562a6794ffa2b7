#pragma once

#include <functional>
#include <string>

// A function that is compiled for AVX-512 together with all that it calls, which is inlined; for
// has_avx512() to choose.
#if defined(__x86_64__)
#define ONECYCLE_FOR_AVX512 \
  __attribute__((flatten, target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")))
#else
#define ONECYCLE_FOR_AVX512
#endif

namespace onecycle::kernels {

// Kinds of processors, each with all that the one before has.
enum class CpuLevel {
  generic,  // whatever the compiler presumes
  avx2,     // with FMA
  avx512,   // x86-64-v4: AVX-512 F, BW, DQ and VL
  bf16,     // AVX-512 BF16: multiplies bf16 values in pairs
};

const char* name_of(CpuLevel level);  // as ONECYCLE_CPU has it

struct CpuFeatures {
  CpuLevel level = CpuLevel::generic;
  bool tiles = false;  // multiplies tiles of bf16 matrices (AMX)
};

// What a process may use of the processor that it runs on.
struct Processor {
  CpuFeatures hardware;
  CpuLevel own = CpuLevel::generic;  // our own loops
  std::string own_cap;               // "ONECYCLE_CPU=avx2": what caps them; "" where nothing is set
  CpuFeatures onednn;                // what oneDNN uses
  std::string onednn_cap;            // "ONEDNN_MAX_CPU_ISA=AVX2"
};

// ONECYCLE_CPU caps our own loops; where it is not set, what caps oneDNN does. `variable`: the
// value of an environment variable, "" where it has none. Throws UsageError for a level that is
// none.
Processor processor_under(const CpuFeatures& hardware,
                          const std::function<std::string(const char*)>& variable);

// This process's, found at the first call. Throws UsageError, at every call.
const Processor& processor();

// What our own loops may use.
bool has_avx512();
bool has_bf16_products();

// Whether oneDNN multiplies tiles of bf16 matrices.
bool has_tiles();

// Why products of bf16 values, ours and oneDNN's, are not in hardware here: half a sentence. ""
// where they are.
std::string why_no_bf16();

}  // namespace onecycle::kernels
