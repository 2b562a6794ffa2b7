#pragma once

#include "study/search/study.h"

#include <string>

namespace onecycle {

// Whether a trial in this state is over.
bool ends(TrialState state);

// The statement that selects what Study::read() reads, in its order.
std::string trial_rows(const std::string& which);

// Throws Error: the trial's row was not written by this program.
[[noreturn]] void refuse_row(const std::string& path, std::int64_t trial, const std::string& what);

}  // namespace onecycle
