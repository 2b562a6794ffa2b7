// Instructions of a step, counted by valgrind: the same on every machine and in its every mood. The
// nets are so small that the cost of dispatch, autograd and our own loop is what is counted.

#include "budget/figures.h"
#include "budget/recipes.h"
#include "support/environment.h"
#include "support/program.h"

#include <filesystem>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

const std::vector<std::string> kNets = {"mlp", "resnet8"};

// Of the part of callgrind's output that was dumped for the net.
double instructions(const std::string& folder, const std::string& net) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path());
    bool ours = false;
    for (std::string line; std::getline(file, line);) {
      if (line.rfind("desc: Trigger:", 0) == 0)
        ours = line.find("Request: " + net) + net.size() + 9 == line.size();
      if (ours && line.rfind("totals: ", 0) == 0) return std::stod(line.substr(8));
    }
  }
  ADD_FAILURE() << "callgrind wrote no figures for " << net;
  return 0;
}

TEST(LeanInstructions, OfAStep) {
  if (!std::filesystem::exists("/usr/bin/valgrind"))
    GTEST_SKIP() << "needs valgrind (Debian's package of that name)";
  if (std::string(ONECYCLE_BUDGET_STEPS).empty())
    GTEST_SKIP() << "needs a Release build, configured where valgrind/callgrind.h is";
  const TemporaryFolder folder;
  std::vector<std::string> arguments = {"--tool=callgrind", "--instr-atstart=no",
                                        "--callgrind-out-file=" + (folder / "out"),
                                        built(ONECYCLE_BUDGET_STEPS)};
  arguments.insert(arguments.end(), kNets.begin(), kNets.end());
  // Libraries choose their code by the processor: here the code that every processor runs.
  const Environment any_processor({{"ATEN_CPU_CAPABILITY", "default"},
                                   {"MKL_CBWR", "COMPATIBLE"},
                                   {"ONEDNN_MAX_CPU_ISA", "SSE41"}});
  const Outcome outcome = Program(arguments, "/usr/bin/valgrind").wait();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const std::string& net : kNets)
    expect_lean(net, "instructions", instructions(folder.path(), net) / (kLast - kFirst));
}

}  // namespace
}  // namespace onecycle::testing
