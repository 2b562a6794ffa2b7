#include "data_test_support.h"

namespace onecycle {
namespace {

using Status = FileCheck::Status;

// sha256sum of the three bytes "abc": FIPS 180-2, appendix B.1.
const std::string kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

class Verifying : public testing::Test {
 protected:
  Verifying() {
    descriptor = idx_descriptor(folder);
    descriptor.sha256.of = {{"a", kAbc}, {"b", kAbc}, {"c", kAbc}};
    folder.write_text("a", "abc");
    folder.write_text("b", "abd");
    folder.write_text("d", "abc");
  }
  std::vector<FileCheck> checks() const { return verify_data({}, descriptor); }

  TemporaryFolder folder;
  DatasetDescriptor descriptor;
};

TEST_F(Verifying, TellsEachFilesState) {
  const auto found = checks();
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].status, Status::ok);
  EXPECT_EQ(found[0].path, folder / "a");
  EXPECT_EQ(found[0].actual, kAbc);
  EXPECT_EQ(found[1].status, Status::mismatch);
  EXPECT_EQ(found[1].expected, kAbc);
  EXPECT_NE(found[1].actual, kAbc);
  EXPECT_EQ(found[2].status, Status::missing);
  EXPECT_EQ(found[2].path, "");
  EXPECT_EQ(found[3].status, Status::unchecked);
}

TEST_F(Verifying, ChecksumsAreOfTheUnpackedContent) {
  std::filesystem::remove(folder / "a");
  folder.write("a.gz", gzipped({'a', 'b', 'c'}));
  const auto found = checks();
  EXPECT_EQ(found[0].status, Status::ok);
  EXPECT_EQ(found[0].path, folder / "a.gz");
}

}  // namespace
}  // namespace onecycle
