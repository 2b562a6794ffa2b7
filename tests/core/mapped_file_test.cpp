#include "core/files/mapped_file.h"

#include "onecycle/error.h"

#include "support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(MappedFile, OneThatOthersChangeIsNamed) {
  const TemporaryFolder folder;
  const std::string path = folder.write_text("data", std::string(10'000, 'x'));
  {
    const MappedFile file(path);
    EXPECT_NO_THROW(MappedFile::check_all());
    EXPECT_STREQ(MappedFile::path_at(file.bytes().data() + 9'999), path.c_str());
    std::filesystem::resize_file(path, 5'000);
    EXPECT_THAT([] { MappedFile::check_all(); }, ThrowsMessage<DataError>(HasSubstr(path)));
  }
  EXPECT_NO_THROW(MappedFile::check_all()) << "it is not in use any more";
  EXPECT_EQ(MappedFile::path_at(path.data()), nullptr);
}

TEST(MappedFile, OneThatIsReplacedAsAWholeStaysAsItWas) {
  const TemporaryFolder folder;
  const std::string path = folder.write_text("data", "old");
  const MappedFile file(path);
  std::filesystem::rename(folder.write_text("new", "others"), path);
  EXPECT_NO_THROW(MappedFile::check_all());
  EXPECT_EQ(file.bytes(), "old");
}

}  // namespace
}  // namespace onecycle::testing
