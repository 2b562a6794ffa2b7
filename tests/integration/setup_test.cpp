// The first call of an ordinary user: what setup/packages.sh says of packages, with stand-ins for
// apt and dpkg.

#include "support/environment.h"
#include "support/program.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PackagesOfAUser : public ::testing::Test {
 protected:
  void SetUp() override {
    program("id", "echo 1000");
    program("sudo", "exit 1");
    program("dpkg-query", "echo not-installed");
    program("apt-get", "exit 1");
    no_lists();
  }

  void program(const std::string& name, const std::string& script) const {
    const std::string path = folder_ / name;
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }

  // As apt answers without lists: `g++` is a pattern, which gpgv matches.
  void no_lists() const { program("apt-cache", "[ $1 = madison ] || echo 'Package: gpgv'"); }

  void lists_without(const std::string& name) const {
    program("apt-cache", "[ $2 = " + name + " ] || echo \" $2 | 1.0 | http://apt main\"");
  }

  Outcome install_packages() const {
    return install_packages_with_path(folder_.path() + ":" + std::getenv("PATH"));
  }

  // As on a distribution that has dpkg but no apt: with TOOL and all that a build needs but c++.
  Outcome install_packages_elsewhere(const std::string& tool) const {
    std::filesystem::remove(folder_ / "apt-get");
    for (const char* name : {"cmake", "ninja", "git", "python3"}) program(name, "exit 1");
    program(tool, "exit 1");
    for (const char* name : {"grep", "paste"})
      std::filesystem::create_symlink(std::string("/usr/bin/") + name, folder_ / name);
    return install_packages_with_path(folder_.path());
  }

 private:
  Outcome install_packages_with_path(const std::string& value) const {
    const Environment path(Environment::Variables{{"PATH", value}});
    return Program({"-c",
                    "set -euo pipefail; root=$1; . $root/setup/common.sh; "
                    ". $root/setup/packages.sh; install_packages",
                    "bash", source_dir()},
                   "/bin/bash")
        .wait();
  }

  TemporaryFolder folder_;
};

TEST_F(PackagesOfAUser, AllThatAreMissingStandInOneLine) {
  const Outcome outcome = install_packages();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("  sudo apt-get update && sudo apt-get install -y "));
  for (const char* package : {" g++ ", " zlib1g-dev ", " dataset-fashion-mnist ", " gnuplot-nox\n"})
    EXPECT_THAT(outcome.err, HasSubstr(package));
}

TEST_F(PackagesOfAUser, WhatIsOnlyWantedIsLeftOutWhereTheListsLackIt) {
  lists_without("gnuplot-nox");
  const Outcome outcome = install_packages();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr(" dataset-fashion-mnist\n"));
  EXPECT_THAT(outcome.err, Not(HasSubstr("gnuplot")));
}

TEST_F(PackagesOfAUser, WithoutWhatIsOnlyWantedItGoesOn) {
  program("dpkg-query", "[ $4 = gnuplot-nox ] || echo installed");
  const Outcome outcome = install_packages();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("left out"));
  EXPECT_THAT(outcome.err, HasSubstr(": gnuplot-nox\n"));
}

TEST_F(PackagesOfAUser, WithAllOfThemNothingIsSaid) {
  program("dpkg-query", "printf installed");
  const Outcome outcome = install_packages();
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
}

TEST_F(PackagesOfAUser, ElsewhereThanOnDebianItIsSaidWhichToolsAreMissing) {
  const Outcome outcome = install_packages_elsewhere("cmake");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("Missing here: c++. "));
  EXPECT_THAT(outcome.err, HasSubstr(" g++ "));
}

TEST_F(PackagesOfAUser, ElsewhereThanOnDebianItGoesOnWithAllTools) {
  const Outcome outcome = install_packages_elsewhere("c++");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
}

}  // namespace
}  // namespace onecycle::testing
