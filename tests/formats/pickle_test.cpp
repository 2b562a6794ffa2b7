// Pickles as Python writes them, and pickles that ask for more than values.

#include "formats/pickle/pickle.h"

#include "core/text/format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

namespace onecycle {
namespace {

using testing::HasSubstr;
using testing::Not;
using Kind = PickleNode::Kind;

std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

// As Python's repr, but for bytes in hexadecimal.
std::string dump(const PickleNode& node) {
  std::string inner;
  for (std::size_t i = 0; i < node.items.size(); ++i)
    inner += (i == 0 ? "" : node.is(Kind::dict) && i % 2 == 1 ? ": " : ", ") + dump(*node.items[i]);
  switch (node.kind) {
    case Kind::none:
      return "None";
    case Kind::boolean:
      return node.integer != 0 ? "True" : "False";
    case Kind::integer:
      return std::to_string(node.integer);
    case Kind::long_integer:
      return format("long of {} bytes", node.text.size());
    case Kind::real:
      return format("{}", node.real);
    case Kind::text:
      return format("'{}'", node.text);
    case Kind::bytes:
      for (const char byte : node.text) inner += format("{:02x}", static_cast<unsigned char>(byte));
      return "b" + inner;
    case Kind::list:
      return "[" + inner + "]";
    case Kind::tuple:
      return "(" + inner + ")";
    case Kind::set:
      return "set(" + inner + ")";
    case Kind::dict:
      return "{" + inner + "}";
    case Kind::global:
      return std::string(node.text);
    case Kind::object:
      return "call(" + inner + ")" + (node.state ? "<" + dump(*node.state) + ">" : "");
    case Kind::persistent:
      return "persistent(" + inner + ")";
  }
  return "";
}

std::string message_of(const std::string& bytes, const PickleLimits& limits = {}) {
  try {
    const Pickle pickle(bytes, {"torch._utils._rebuild_tensor_v2"}, limits);
    return "";
  } catch (const PickleError& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error.what();
  }
}

// Python 3.11: pickle.dumps(value, protocol) of
// {'none': None, 'flags': [True, False], 'ints': (0, 255, 65535, -2, 2**31, -2**40), 'pi': 3.25,
//  'text': 'a\u20acz\n', 'raw': b'\x00\xffq' (from protocol 3 on), 'nested': n, 'od':
//  OrderedDict([('b', 1), ('a', 2)]), 'shared': n}, n = [[], {}, ()]
const std::map<int, std::string> kWritten = {
    {0,
     "286470300a566e6f6e650a70310a4e7356666c6167730a70320a286c70330a4930310a614930300a617356696e"
     "74730a70340a2849300a493235350a4936353533350a492d320a4c323134373438333634384c0a4c2d31303939"
     "3531313632373737364c0a7470350a735670690a70360a46332e32350a7356746578740a70370a56615c753230"
     "61637a5c75303030610a70380a73566e65737465640a70390a286c7031300a286c7031310a6128647031320a61"
     "28746173566f640a7031330a63636f6c6c656374696f6e730a4f726465726564446963740a7031340a28745270"
     "31350a56620a7031360a49310a7356610a7031370a49320a7373567368617265640a7031380a6731300a732e"},
    {1,
     "7d71002858040000006e6f6e6571014e5805000000666c61677371025d7103284930310a4930300a6558040000"
     "00696e74737104284b004bff4dffff4afeffffff4c323134373438333634384c0a4c2d31303939353131363237"
     "3737364c0a74710558020000007069710647400a0000000000005804000000746578747107580600000061e282"
     "ac7a0a710858060000006e657374656471095d710a285d710b7d710c296558020000006f64710d63636f6c6c65"
     "6374696f6e730a4f726465726564446963740a710e2952710f2858010000006271104b0158010000006171114b"
     "027558060000007368617265647112680a752e"},
    {2,
     "80027d71002858040000006e6f6e6571014e5805000000666c61677371025d7103288889655804000000696e74"
     "737104284b004bff4dffff4afeffffff8a0500000080008a060000000000ff7471055802000000706971064740"
     "0a0000000000005804000000746578747107580600000061e282ac7a0a710858060000006e657374656471095d"
     "710a285d710b7d710c296558020000006f64710d63636f6c6c656374696f6e730a4f726465726564446963740a"
     "710e2952710f2858010000006271104b0158010000006171114b027558060000007368617265647112680a752e"},
    {3,
     "80037d71002858040000006e6f6e6571014e5805000000666c61677371025d7103288889655804000000696e74"
     "737104284b004bff4dffff4afeffffff8a0500000080008a060000000000ff7471055802000000706971064740"
     "0a0000000000005804000000746578747107580600000061e282ac7a0a710858030000007261777109430300ff"
     "71710a58060000006e6573746564710b5d710c285d710d7d710e296558020000006f64710f63636f6c6c656374"
     "696f6e730a4f726465726564446963740a7110295271112858010000006271124b0158010000006171134b0275"
     "58060000007368617265647114680c752e"},
    {4,
     "800495bb000000000000007d94288c046e6f6e65944e8c05666c616773945d94288889658c04696e747394284b"
     "004bff4dffff4afeffffff8a0500000080008a060000000000ff74948c0270699447400a0000000000008c0474"
     "657874948c0661e282ac7a0a948c0372617794430300ff71948c066e6573746564945d94285d947d9429658c02"
     "6f64948c0b636f6c6c656374696f6e73948c0b4f72646572656444696374949394295294288c0162944b018c01"
     "61944b02758c0673686172656494680c752e"},
    {5,
     "800595bb000000000000007d94288c046e6f6e65944e8c05666c616773945d94288889658c04696e747394284b"
     "004bff4dffff4afeffffff8a0500000080008a060000000000ff74948c0270699447400a0000000000008c0474"
     "657874948c0661e282ac7a0a948c0372617794430300ff71948c066e6573746564945d94285d947d9429658c02"
     "6f64948c0b636f6c6c656374696f6e73948c0b4f72646572656444696374949394295294288c0162944b018c01"
     "61944b02758c0673686172656494680c752e"},
};

TEST(Pickle, ReadsEveryProtocol) {
  for (const auto& [protocol, digits] : kWritten) {
    const std::string bytes = from_hex(digits);
    const std::string longer = bytes + "what follows";
    const Pickle pickle(longer, {});
    EXPECT_EQ(pickle.size(), bytes.size()) << protocol;
    const std::string raw = protocol < 3 ? "" : "'raw': b00ff71, ";
    EXPECT_EQ(dump(pickle.root()),
              "{'none': None, 'flags': [True, False], 'ints': (0, 255, 65535, -2, 2147483648, "
              "-1099511627776), 'pi': 3.25, 'text': 'a\u20acz\n', " +
                  raw + "'nested': [[], {}, ()], 'od': {'b': 1, 'a': 2}, 'shared': [[], {}, ()]}")
        << protocol;
    EXPECT_EQ(pickle.root().find("nested"), pickle.root().find("shared"));
    EXPECT_EQ(pickle.root().find("absent"), nullptr);
  }
}

TEST(Pickle, SetsOfProtocol4) {
  // Python 3.11: pickle.dumps([{1}, frozenset((2,))], 4)
  const std::string bytes = from_hex("80049510000000000000005d94288f94284b0190284b029194652e");
  EXPECT_EQ(dump(Pickle(bytes, {}).root()), "[set(1), set(2)]");
  EXPECT_THAT(message_of("]\x90."), HasSubstr("a mark is missing"));
  EXPECT_THAT(message_of("](\x90."), HasSubstr("not a set"));
}

TEST(Pickle, StringsOfPython2) {
  // Python 2.7: pickle.dumps(['it\'s\x00\n', u'\xe9'], 0)
  const std::string first = "(lp0\nS\"it's\\x00\\n\"\np1\naV\xe9\np2\na.";
  EXPECT_EQ(dump(Pickle(first, {}).root()), "[b69742773000a, '\u00e9']");
  // The same with protocol 2, and a dict of it.
  const std::string second =
      from_hex("80027d71005506") + "labels" + from_hex("71015d7102284b064b0965732e");
  const Pickle pickle(second, {});
  EXPECT_EQ(dump(*pickle.root().find("labels")), "[6, 9]");
  // Python 2.7: pickle.dumps(OrderedDict([('a', 1)]), 2)
  const std::string third = from_hex("8002") + "ccollections\nOrderedDict\nq\0" + from_hex("00") +
                            from_hex("5d71015d71022855") + from_hex("01") + "a" +
                            from_hex("71034b0165") + "a\x85q\x04Rq\x05.";
  EXPECT_EQ(dump(Pickle(third, {}).root()), "{b61: 1}");
}

TEST(Pickle, AllowedGlobalsAreNodes) {
  const std::string bytes =
      from_hex("8002") + "ctorch._utils\n_rebuild_tensor_v2\nK\x07Q" + "\x85R}b.";
  EXPECT_EQ(dump(Pickle(bytes, {"torch._utils._rebuild_tensor_v2"}).root()),
            "call(torch._utils._rebuild_tensor_v2, (persistent(7)))<{}>");
  EXPECT_EQ(dump(Pickle("Pstorage 1\n.", {}).root()), "persistent('storage 1')");
  const std::string wide = from_hex("8002") + std::string("\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.");
  const Pickle magic(wide, {});
  EXPECT_EQ(dump(magic.root()), "long of 10 bytes");
}

TEST(Pickle, CodeIsRefusedByName) {
  const std::string why = "refused: the pickle wants os.system";
  EXPECT_EQ(message_of("cos\nsystem\n(S'id'\ntR."), why);
  EXPECT_EQ(message_of("(S'id'\nios\nsystem\n."), why);
  EXPECT_EQ(message_of("(cos\nsystem\nS'id'\no."), why);
  EXPECT_EQ(message_of(from_hex("80048c026f73948c0673797374656d9493") + "."), why);
  // A name cannot forge a second line or an allowed name.
  EXPECT_EQ(message_of(from_hex("80048c036f730a8c0673797374656d93") + "."),
            "refused: the pickle wants os?.system");
  EXPECT_EQ(message_of("ctorch._utils\n_rebuild_tensor_v2\n."), "");
  EXPECT_THAT(message_of("ctorch._utils\n_rebuild_tensor_v2 \n."), HasSubstr("refused"));
  EXPECT_THAT(message_of(from_hex("80028201") + "."), HasSubstr("refused"));  // EXT1
}

TEST(Pickle, NestingAndSizesAreBounded) {
  EXPECT_THAT(message_of(std::string(100'000, '(')), HasSubstr("nested more than"));
  EXPECT_THAT(message_of(")" + std::string(100'000, '\x85') + "."), HasSubstr("nested more than"));
  EXPECT_THAT(message_of(std::string(1000, ']') + std::string(999, 'a') + "."),
              HasSubstr("nested more than"));
  EXPECT_THAT(message_of(std::string(std::size_t{1} << 19, 'N')), HasSubstr("open values"));
  std::string many = "]";
  for (int i = 0; i < 1000; ++i) many += "Na";
  EXPECT_EQ(message_of(many + "."), "");
  EXPECT_THAT(message_of(many + ".", {.nodes = 1000}), HasSubstr("more than 1000 values"));
  EXPECT_THAT(message_of(many + ".", {.operations = 1000}), HasSubstr("1000 operations"));
  // Each call would copy all pairs again.
  std::string pairs = "]q\x01" + std::string("(");
  for (int i = 0; i < 500; ++i) pairs += "NN\x86";
  pairs += "e0";
  for (int i = 0; i < 100; ++i) pairs += "ccollections\nOrderedDict\nh\x01\x85R0";
  EXPECT_EQ(message_of(pairs + "N."), "");
  EXPECT_THAT(message_of(pairs + "N.", {.operations = 10'000}), HasSubstr("operations"));
}

TEST(Pickle, ListsWithinThemselvesDoNoHarm) {
  const std::string bytes = "]q\x01h\x01" + std::string("a.");
  const Pickle pickle(bytes, {});
  EXPECT_EQ(pickle.root().items.front(), &pickle.root());
}

TEST(Pickle, EveryTruncationIsAnError) {
  for (const auto& [protocol, digits] : kWritten) {
    const std::string bytes = from_hex(digits);
    for (std::size_t length = 0; length < bytes.size(); ++length)
      EXPECT_NE(message_of(bytes.substr(0, length)), "") << protocol << " " << length;
  }
}

TEST(Pickle, WrongOperationsAreErrors) {
  for (const char* bytes : {".",         "a.",        "]a.",
                            "Na.",       "NNa.",      "s.",
                            "}s.",       "}Ns.",      "(Nd.",
                            "u.",        "e.",        "t.",
                            "1.",        "R.",        ")R.",
                            "N)R.",      "b.",        "NNb.",
                            "h\x09.",    "g9\n.",     "2.",
                            "0.",        "Ix\n.",     "Fx\n.",
                            "S'\n.",     "Vx\\u1\n.", "I99999999999999999999\n.",
                            "\x80\x06.", "(.",        "N(.",
                            "Q.",        "(o.",       "\x93."})
    EXPECT_THAT(message_of(bytes), HasSubstr("refused: not a pickle of plain values")) << bytes;
}

TEST(Printable, KeepsToOneLine) {
  EXPECT_EQ(printable("a\nb\x1b\xff"), "a?b??");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
}

}  // namespace
}  // namespace onecycle
