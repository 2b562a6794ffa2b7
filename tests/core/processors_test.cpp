#include "core/process/processors.h"

#include "support/temporary_folder.h"

#include <gtest/gtest.h>
#include <thread>

namespace onecycle::testing {
namespace {

TEST(Processors, AQuotaOfVersion2IsTheLeastOfTheGroupAndThoseAroundIt) {
  const TemporaryFolder root;
  root.write_text("slice/cpu.max", "150000 100000\n");
  root.write_text("slice/job/cpu.max", "max 100000\n");
  root.write_text("slice/wide/cpu.max", "800000 100000\n");
  EXPECT_EQ(cpu_quota("0::/slice/job\n", root.path()), 1.5);
  EXPECT_EQ(cpu_quota("0::/slice/wide\n", root.path()), 1.5);
  EXPECT_EQ(cpu_quota("0::/other\n", root.path()), std::nullopt);
}

TEST(Processors, AContainerSeesItsOwnGroupAsTheRoot) {
  const TemporaryFolder root;
  root.write_text("cpu.max", "50000 100000\n");
  EXPECT_EQ(cpu_quota("0::/\n", root.path()), 0.5);
  EXPECT_EQ(cpu_quota("0::/docker/4f2a/init\n", root.path()), 0.5) << "a path of the host";
}

TEST(Processors, AQuotaOfVersion1) {
  const TemporaryFolder root;
  root.write_text("cpu,cpuacct/pod/cpu.cfs_quota_us", "300000\n");
  root.write_text("cpu,cpuacct/pod/cpu.cfs_period_us", "100000\n");
  root.write_text("cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  root.write_text("cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  const std::string groups = "11:cpuset:/pod\n7:cpu,cpuacct:/pod\n1:name=systemd:/pod\n";
  EXPECT_EQ(cpu_quota(groups, root.path()), 3.0);
  EXPECT_EQ(cpu_quota("7:cpu,cpuacct:/free\n", root.path()), std::nullopt);
}

TEST(Processors, NonsenseLimitsNothing) {
  const TemporaryFolder root;
  root.write_text("cpu.max", "many\n");
  EXPECT_EQ(cpu_quota("0::/\nno colon\n:\n", root.path()), std::nullopt);
  EXPECT_EQ(cpu_quota("", root.path()), std::nullopt);
}

TEST(Processors, AreSharedByProcesses) {
  const std::int64_t all = usable_processors();
  EXPECT_GE(all, 1);
  EXPECT_LE(all, std::thread::hardware_concurrency());
  EXPECT_EQ(share_of_processors(1), all);
  EXPECT_EQ(share_of_processors(10 * all), 1);
}

}  // namespace
}  // namespace onecycle::testing
