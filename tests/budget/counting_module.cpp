// The counters of support/counting_allocator.h for memory.py, by ctypes.

#include "support/counting_allocator.h"

using onecycle::testing::CountingAllocator;

extern "C" {
void counting_install() { CountingAllocator::install(); }
void counting_forget_peak() { CountingAllocator::install().forget_peak(); }
std::int64_t counting_peak() { return CountingAllocator::install().peak_bytes(); }
}
