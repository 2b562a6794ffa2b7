#include "onecycle/table.h"

#include "data_test_support.h"

#include <cmath>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

const double kDeviation = std::sqrt(2.0 / 3);  // population std of 1, 2, 3

class Tables : public FormatTest {
 protected:
  Tables() : FormatTest("homes", "table") {}

  void write_homes() const {
    folder.write_text("t.csv", "price,size,colour,zone\n10,1,red,7\n20,2,blue,7\n30,3,red,9\n");
    folder.write_text("u.csv", "zone,colour,note,size,price\n9,green,a note,4,40\n7,red,,2,20\n");
  }
};

at::Tensor rows_of(const std::vector<double>& values, std::int64_t count) {
  return at::tensor(values, at::kFloat).view({count, -1});
}

TEST_F(Tables, StandardiseNumbersAndSpreadCategories) {
  write_homes();
  const DataSet data = load("{train: t.csv, test: u.csv, target: [price], categories: [zone]}");
  // size, blue, red, zone 7, zone 9
  const double one = 1 / kDeviation;
  EXPECT_TRUE(data.train.images.allclose(
      rows_of({-one, 0, 1, 1, 0, 0, 1, 0, 1, 0, one, 0, 1, 0, 1}, 3), 1e-6, 1e-6));
  EXPECT_TRUE(
      data.test.images.allclose(rows_of({2 * one, 0, 0, 0, 1, 0, 0, 1, 1, 0}, 2), 1e-6, 1e-6));
  EXPECT_FALSE(data.is_pictures());
  EXPECT_EQ(data.sample_shape(), std::vector<std::int64_t>{5});
  EXPECT_EQ(data.table->features(), 5);
  EXPECT_TRUE(data.table->categories().empty());
}

TEST_F(Tables, StandardiseTargetsByTheTrainingPart) {
  write_homes();
  const DataSet data = load("{train: t.csv, test: u.csv, target: [price, size]}");
  EXPECT_EQ(data.target_kind, TargetKind::values);
  EXPECT_EQ(data.targets.names, (std::vector<std::string>{"price", "size"}));
  EXPECT_DOUBLE_EQ(data.targets.mean[0], 20);
  EXPECT_DOUBLE_EQ(data.targets.std[0], 10 * kDeviation);
  EXPECT_DOUBLE_EQ(data.targets.std[1], kDeviation);
  EXPECT_EQ(data.outputs(), 2);
  EXPECT_EQ(data.train.labels.scalar_type(), at::kDouble);
  EXPECT_DOUBLE_EQ(data.train.labels[0][0].item<double>(), -1 / kDeviation);
  EXPECT_DOUBLE_EQ(data.test.labels[0][0].item<double>(), 2 / kDeviation);
  EXPECT_DOUBLE_EQ(data.test.labels[1][1].item<double>(), 0);
}

TEST_F(Tables, EmbeddedCategoriesComeLastAndCountFromOne) {
  write_homes();
  const DataSet data = load(
      "{train: t.csv, test: u.csv, target: [price], inputs: [colour, size], encode: embedding}");
  EXPECT_EQ(data.table->features(), 1);
  EXPECT_EQ(data.table->categories(), std::vector<std::int64_t>{3});
  EXPECT_TRUE(data.train.images.select(1, 1).equal(at::tensor({2.F, 1.F, 2.F})));
  EXPECT_TRUE(data.test.images.select(1, 1).equal(at::tensor({0.F, 2.F})));  // green is new
}

TEST_F(Tables, MoreThanTenCategoriesAreEmbedded) {
  std::string ten = "x,y\n";
  for (int i = 0; i < 10; ++i) ten += "c" + std::to_string(i) + "," + std::to_string(i) + "\n";
  folder.write_text("ten.csv", ten);
  folder.write_text("eleven.csv", ten + "d,11\n");
  EXPECT_EQ(load("{train: ten.csv, target: [y]}").table->features(), 10);
  EXPECT_EQ(load("{train: eleven.csv, target: [y]}").table->categories(),
            std::vector<std::int64_t>{12});
}

TEST_F(Tables, AreMeasuredOnWhatIsTrainedOn) {
  write_homes();
  options.limit = 1;
  const DataSet data = load("{train: t.csv, target: [price]}");
  ASSERT_EQ(data.train.size(), 1);
  const TableColumn& size = data.table->columns[0];
  EXPECT_EQ(size.std, 1);  // of one row nothing varies
  EXPECT_EQ(data.targets.mean[0], 10 * size.mean);
  EXPECT_EQ(data.train.images[0][0].item<float>(), 0);
  EXPECT_EQ(data.table->columns[1].categories.size(), 1u);
}

TEST_F(Tables, FillMissingNumbersByTheMeanOrTheMedian) {
  folder.write_text("t.csv", "x,y\n1,1\nNA,2\n4,3\n10,4\n");
  const DataSet mean = load("{train: t.csv, target: [y], fill: mean}");
  EXPECT_DOUBLE_EQ(mean.table->columns[0].fill, 5);
  EXPECT_DOUBLE_EQ(mean.table->columns[0].mean, 5);
  EXPECT_DOUBLE_EQ(mean.table->columns[0].std, std::sqrt((16 + 0 + 1 + 25) / 4.));
  EXPECT_EQ(mean.train.images[1][0].item<float>(), 0);
  const DataSet median = load("{train: t.csv, target: [y], fill: median}");
  EXPECT_DOUBLE_EQ(median.table->columns[0].fill, 4);
  EXPECT_DOUBLE_EQ(median.table->columns[0].mean, 4.75);
}

TEST_F(Tables, ConstantColumnsBecomeZero) {
  folder.write_text("t.csv", "x,y\n0.1,1\n0.1,1\n0.1,1\n");
  const DataSet data = load("{train: t.csv, target: [y]}");
  EXPECT_EQ(data.table->columns[0].std, 1);
  EXPECT_TRUE(data.train.images.equal(at::zeros({3, 1})));
  EXPECT_TRUE(data.train.labels.equal(at::zeros({3, 1}, at::kDouble)));
}

TEST_F(Tables, ReadQuotesByteOrderMarksAndLineEnds) {
  folder.write_text(
      "t.csv", "\xEF\xBB\xBF\"a, b\";x ;y\r\n\"say \"\"no\"\"\";1; p\r\n\r\n\"two\r\nlines\";3;q");
  const DataSet data = load("{train: t.csv, target: [y], separator: ';'}");
  EXPECT_EQ(data.classes, (std::vector<std::string>{"p", "q"}));
  ASSERT_EQ(data.table->columns.size(), 2u);
  EXPECT_EQ(data.table->columns[0].name, "a, b");
  EXPECT_EQ(data.table->columns[0].categories,
            (std::vector<std::string>{"say \"no\"", "two\r\nlines"}));
  EXPECT_EQ(data.table->columns[1].name, "x");
  EXPECT_EQ(data.table->columns[1].mean, 2);
}

TEST_F(Tables, CountLinesWithinQuotesAndBlankOnes) {
  folder.write_text("t.csv", "x,y\r\n\"1\r\n\",1\r\n\r\n2,2\r\n3,3\r\nz,4\r\n");
  EXPECT_THAT(error("{train: t.csv, target: [y]}"), testing::HasSubstr("line 2, column 'x'"));
  folder.write_text("t.csv", "x,n,y\r\n1,\"a\r\nb\",1\r\n\r\n2,a,2\r\n3,a,3\r\nz,a,4\r\n");
  EXPECT_THAT(error("{train: t.csv, target: [y]}"), testing::HasSubstr("line 7, column 'x': 'z'"));
}

TEST_F(Tables, TargetsAreWhatTheTaskWants) {
  folder.write_text("t.csv", "x,y,z\n1,10,0\n2,2,1\n3,10,1\n");
  const DataSet classes = load("{train: t.csv, target: [y]}", TargetKind::classes);
  EXPECT_EQ(classes.classes, (std::vector<std::string>{"2", "10"}));
  EXPECT_EQ(classes.targets.counts, (std::vector<std::int64_t>{1, 2}));
  EXPECT_TRUE(classes.train.labels.equal(at::tensor({1, 0, 1}, at::kLong)));
  const DataSet labels = load("{train: t.csv, target: [z]}", TargetKind::labels);
  EXPECT_EQ(labels.classes, std::vector<std::string>{"z"});
  EXPECT_EQ(labels.targets.counts, std::vector<std::int64_t>{2});
  EXPECT_TRUE(labels.train.labels.equal(at::tensor({0, 1, 1}, at::kByte).view({3, 1})));
  EXPECT_EQ(describe_data(labels).splits.at(0).per_class, std::vector<std::int64_t>{2});
  EXPECT_EQ(load("{train: t.csv, target: [y]}").target_kind, TargetKind::values);
}

TEST_F(Tables, KeepChosenClasses) {
  folder.write_text("t.csv", "x,y\n1,a\n2,b\n4,c\n");
  options.classes = {"c", "a"};
  const DataSet data = load("{train: t.csv, target: [y]}");
  EXPECT_EQ(data.classes, options.classes);
  EXPECT_TRUE(data.train.labels.equal(at::tensor({1, 0}, at::kLong)));
  EXPECT_EQ(data.table->columns[0].mean, 2.5);
}

TEST_F(Tables, ReadRowsAsTheTrainingDid) {
  write_homes();
  const DataSet data = load("{train: t.csv, test: u.csv, target: [price]}");
  EXPECT_TRUE(read_rows(folder / "u.csv", *data.table).equal(data.test.images));
}

// Predictions of one column are in the order of its lines.
TEST_F(Tables, NumbersFarOutsideAreClipped) {
  folder.write_text("t.csv", "x,y\n0,1\n2,3\n");
  Table table{.train = folder / "t.csv", .test = folder / "u.csv", .target = {"y"}, .clip = 3};
  const auto expected = at::tensor({0.F, 3.F, -3.F}).view({3, 1});
  folder.write_text("u.csv", "x,y\n1,1\n9,1\n-9,1\n");
  const DataSet data = load_table(table, TargetKind::values, 0);
  EXPECT_TRUE(data.test.images.equal(expected));
  EXPECT_TRUE(read_rows(folder / "u.csv", *data.table).equal(expected));
  table.clip.reset();
  EXPECT_EQ(load_table(table, TargetKind::values, 0).test.images[1][0].item<float>(), 8);
  table.target = {"y", "y"};
  EXPECT_THROW(load_table(table, TargetKind::values, 0), FieldError);
}

TEST_F(Tables, BlankLinesAreCellsWhereThereIsOneColumn) {
  folder.write_text("t.csv", "c,y\na,2\nb,3\n");
  const DataSet data = load("{train: t.csv, target: [y]}");
  for (const char* text : {"\nc\nb\n\na\n", "c\r\nb\r\n\r\na\r\n"}) {
    folder.write_text("u.csv", text);
    EXPECT_TRUE(read_rows(folder / "u.csv", *data.table).equal(rows_of({0, 1, 0, 0, 1, 0}, 3)));
  }
}

TEST_F(Tables, RefuseWhatIsForPictures) {
  write_homes();
  const std::string format = "{train: t.csv, target: [price]}";
  options.size = 4;
  EXPECT_THAT(error(format), testing::StartsWith("data.size: is for pictures"));
  options.size = {};
  options.normalise = Normalise::caffe;
  EXPECT_THAT(error(format), testing::StartsWith("data.normalise: is for pictures"));
  options.normalise = Normalise::automatic;
  options.augment = {Choice{"flip"}};
  EXPECT_THAT(error(format), testing::StartsWith("data.augment: is for pictures"));
  options.augment = {};
  options.classes = {"a"};
  EXPECT_THAT(error(format), testing::StartsWith("data.classes: the targets are values"));
}

TEST_F(Tables, RefuseTestSplitsThatDoNotFit) {
  const std::string format = "{train: t.csv, test: u.csv, target: [y]}";
  folder.write_text("t.csv", "x,y\n1,a\n2,b\n");
  folder.write_text("u.csv", "x,y\n1,c\n");
  EXPECT_THAT(error(format), testing::HasSubstr("u.csv, line 2, column 'y': the training table has "
                                                "no class 'c'"));
  folder.write_text("u.csv", "y\na\n");
  EXPECT_THAT(error(format), testing::HasSubstr("u.csv: no column 'x'"));
  folder.write_text("u.csv", "x,y\none,a\n");
  EXPECT_THAT(error(format), testing::HasSubstr("u.csv, line 2, column 'x': 'one'"));
}

TEST_F(Tables, RefuseNumbersThatAreBeyondFloatWhenStandardised) {
  folder.write_text("t.csv", "x,y\n1,2\n2,3\n");
  folder.write_text("u.csv", "y,x\n2,1\n2,1e300\n");
  EXPECT_THAT(error("{train: t.csv, test: u.csv, target: [y]}"),
              testing::HasSubstr("u.csv, line 3, column 'x': 1e+300 is so far"));
  const DataSet data = load("{train: t.csv, target: [y]}");
  EXPECT_THAT([&] { (void)read_rows(folder / "u.csv", *data.table); },
              testing::ThrowsMessage<DataError>(testing::HasSubstr("u.csv, line 3, column 'x'")));
}

TEST_F(Tables, RefuseMoreCategoriesThanAFileCanHold) {
  std::string ids = "x,y\n";
  for (int i = 0; i <= 100'000; ++i) ids += "id" + std::to_string(i) + ",1\n";
  folder.write_text("t.csv", ids);
  EXPECT_THAT(error("{train: t.csv, target: [y]}"),
              testing::HasSubstr("t.csv: column 'x' is of categories, and has more than 100000"));
  folder.write_text("t.csv", "x,y\n" + std::string(10'000'001, 'a') + ",1\nb,2\n");
  EXPECT_THAT(error("{train: t.csv, target: [y]}"), testing::HasSubstr("10000000 bytes of them"));
}

TEST_F(Tables, DoNotTestOnTheTrainingFile) {
  folder.write_text("t.csv", "x,y\n1,2\n2,3\n");
  EXPECT_THAT(error("{train: t.csv, test: sub/t.csv, target: [y]}"),
              testing::HasSubstr("no file sub/t.csv"));
  for (const char* test : {"t.csv", "./t.csv", "t.csv.gz"})
    EXPECT_THAT(error(std::string("{train: t.csv, target: [y], test: ") + test + "}"),
                testing::HasSubstr("is the file of the training split too"));
}

TEST_F(Tables, RefuseTargetsThatTheTaskDoesNotTake) {
  folder.write_text("t.csv", "x,y,z\n1,a,2\n2,b,0\n");
  EXPECT_THAT(error("{train: t.csv, target: [y]}", TargetKind::values),
              testing::HasSubstr("line 2, column 'y': the target 'a' is not a number"));
  EXPECT_THAT(error("{train: t.csv, target: [z]}", TargetKind::labels),
              testing::HasSubstr("line 2, column 'z': a label is 0 or 1, not '2'"));
  EXPECT_THAT(error("{train: t.csv, target: [y, z]}", TargetKind::classes),
              testing::HasSubstr("the class of a row is in one column"));
}

std::string wide_table(std::size_t columns) {
  std::string header = "y";
  for (std::size_t i = 1; i < columns; ++i) header += ",c" + std::to_string(i);
  return header + "\n";
}

TEST_F(Tables, RefuseBadTables) {
  struct Bad {
    std::string text;
    std::string message;
    std::string more = "";  // options
  };
  const std::vector<Bad> all = {
      {"", "t.csv: is empty"},
      {"\xEF\xBB\xBF", "t.csv: is empty"},
      {"\n\n", "t.csv: is empty"},
      {"x,y\n", "has a header and no rows"},
      {"x,y\n1,2\n3\n", "t.csv, line 3: 1 cells, but the header has 2 columns"},
      {"x,y\n1,2,3\n", "t.csv, line 2: 3 cells, but the header has 2 columns"},
      {"x,y\n1,1\n2,1\n3,1\nabc,2\n", "t.csv, line 5, column 'x': 'abc' is not a number"},
      {"x,y\n1,1\n,2\n3,4\n", "t.csv, line 3, column 'x': there is no value"},
      {"x,y\n1,1\nNA,2\n3,4\n", "t.csv, line 3, column 'x': 'NA' is not a number"},
      {"x,y\n1,1\n2,1\ninf,2\n", "t.csv, line 4, column 'x': 'inf' is not a number"},
      {"x,y\n1,1\n2,1\n1e999,2\n", "t.csv, line 4, column 'x': '1e999' is not a number"},
      {"x,y\n1,\n2,1\n", "t.csv, line 2, column 'y': there is no value"},
      {"x,y\n1,3\n2,?\n", "t.csv, line 3, column 'y': there is no value ('?')"},
      {"x,x,y\n1,2,3\n", "line 1: two columns are named 'x'"},
      {"x,,y\n1,2,3\n", "line 1: column 2 has no name"},
      {"\n\nx,,y\n1,2,3\n", "line 3: column 2 has no name"},
      {"x\x01,y\n1,2\n", "line 1: the name of column 1, 'x?', holds a control character"},
      {"x,y\n\"1,2\n", "line 2: the row that begins there has a quote"},
      {"x,y\n1,2\n5\" pipe,2\n", "line 3: the row that begins there has a quote"},
      {"x,y\n\"1\"2,2\n", "line 2: the row that begins there has a quote"},
      {"x,y\n\xff,1\n", "line 2: cell 1, '?', is not UTF-8"},
      {std::string("x,y\n1,\0", 7) + "2\n", "line 2: cell 2 holds a NUL byte"},
      {"x;y\n1;2\n", "t.csv: no column 'y'"},
      {"x,Y\n1,2\n", "t.csv: no column 'y'"},
      {"x,y\n1,2\n", "t.csv: no column 'z'", ", inputs: [x, z]"},
      {"x,y\n1,2\n", "t.csv: no column 'z'", ", categories: [z]"},
      {"x,y\n1,2\n", "column 'y' is in `categories`, but is no input", ", categories: [y]"},
      {"y\n1\n2\n", "has no column beside the targets"},
      {"x,y\n,1\nNA,2\n", "t.csv: column 'x' has no value in any row"},
      {"x,y\n1e300,1\n-1e300,2\n", "t.csv: column 'x': its standard deviation is inf"},
      {"x,y\n1,1e200\n2,-1e200\n", "homes: target 'y': its standard deviation is"},
      {wide_table(65537) + "1\n", "t.csv, line 1: more than 65536 columns"},
  };
  for (const Bad& bad : all) {
    folder.write_text("t.csv", bad.text);
    EXPECT_THAT(error("{train: t.csv, target: [y]" + bad.more + "}"),
                testing::HasSubstr(bad.message));
  }
  EXPECT_THAT(error("{train: none.csv, target: [y]}"), testing::HasSubstr("no file none.csv"));
}

TEST_F(Tables, RefuseOptionsThatContradict) {
  for (const char* format :
       {"{train: t.csv, target: []}", "{train: t.csv, target: [y, y]}",
        "{train: t.csv, target: [y], inputs: [y]}", "{train: t.csv, target: [y], inputs: [x, x]}",
        "{train: t.csv, target: [y], separator: ''}",
        "{train: t.csv, target: [y], separator: ', '}", "{target: [y]}", "{train: t.csv}"})
    EXPECT_THROW(chosen(builtin_formats(), "table", format), Error) << format;
}

}  // namespace
}  // namespace onecycle
