//! Where a number leads: the name of its longest known prefix. Country codes of ITU-T E.164 and the area codes by which the
//! countries of +1 and +7 differ. Carriers' own, finer destinations come with their price lists.

/// What a number is named that begins with no known code.
pub const UNKNOWN: &str = "unknown";

/// No known code is longer.
const DIGITS_MAX: usize = 7;

/// The destination of a called number, digits only.
pub fn destination(called: &str) -> &'static str {
    let known = (1..=called.len().min(DIGITS_MAX)).rev().filter_map(|length| called.get(..length));
    known.into_iter().find_map(by_code).unwrap_or(UNKNOWN)
}

fn by_code(code: &str) -> Option<&'static str> {
    CODES.binary_search_by(|(known, _)| (*known).cmp(code)).ok().map(|at| CODES[at].1)
}

/// Sorted as text.
#[rustfmt::skip]
const CODES: [(&str, &str); 311] = [
    ("1", "United States"), ("1204", "Canada"), ("1226", "Canada"), ("1236", "Canada"), ("1242", "Bahamas"),
    ("1246", "Barbados"), ("1249", "Canada"), ("1250", "Canada"), ("1257", "Canada"), ("1263", "Canada"), ("1264", "Anguilla"),
    ("1268", "Antigua and Barbuda"), ("1284", "British Virgin Islands"), ("1289", "Canada"), ("1306", "Canada"),
    ("1340", "US Virgin Islands"), ("1343", "Canada"), ("1345", "Cayman Islands"), ("1354", "Canada"), ("1365", "Canada"),
    ("1367", "Canada"), ("1368", "Canada"), ("1382", "Canada"), ("1403", "Canada"), ("1416", "Canada"), ("1418", "Canada"),
    ("1428", "Canada"), ("1431", "Canada"), ("1437", "Canada"), ("1438", "Canada"), ("1441", "Bermuda"), ("1450", "Canada"),
    ("1468", "Canada"), ("1473", "Grenada"), ("1474", "Canada"), ("1506", "Canada"), ("1514", "Canada"), ("1519", "Canada"),
    ("1548", "Canada"), ("1579", "Canada"), ("1581", "Canada"), ("1584", "Canada"), ("1587", "Canada"), ("1604", "Canada"),
    ("1613", "Canada"), ("1639", "Canada"), ("1647", "Canada"), ("1649", "Turks and Caicos Islands"), ("1658", "Jamaica"),
    ("1664", "Montserrat"), ("1670", "Northern Mariana Islands"), ("1671", "Guam"), ("1672", "Canada"), ("1683", "Canada"),
    ("1684", "American Samoa"), ("1705", "Canada"), ("1709", "Canada"), ("1721", "Sint Maarten"), ("1742", "Canada"),
    ("1753", "Canada"), ("1758", "Saint Lucia"), ("1767", "Dominica"), ("1778", "Canada"), ("1780", "Canada"),
    ("1782", "Canada"), ("1784", "Saint Vincent and the Grenadines"), ("1787", "Puerto Rico"),
    ("1800", "North America, toll-free"), ("1807", "Canada"), ("1809", "Dominican Republic"), ("1819", "Canada"),
    ("1825", "Canada"), ("1829", "Dominican Republic"), ("1833", "North America, toll-free"),
    ("1844", "North America, toll-free"), ("1849", "Dominican Republic"), ("1855", "North America, toll-free"),
    ("1866", "North America, toll-free"), ("1867", "Canada"), ("1868", "Trinidad and Tobago"),
    ("1869", "Saint Kitts and Nevis"), ("1873", "Canada"), ("1876", "Jamaica"), ("1877", "North America, toll-free"),
    ("1879", "Canada"), ("1888", "North America, toll-free"), ("1900", "North America, premium"), ("1902", "Canada"),
    ("1905", "Canada"), ("1939", "Puerto Rico"), ("20", "Egypt"), ("211", "South Sudan"), ("212", "Morocco"),
    ("213", "Algeria"), ("216", "Tunisia"), ("218", "Libya"), ("220", "Gambia"), ("221", "Senegal"), ("222", "Mauritania"),
    ("223", "Mali"), ("224", "Guinea"), ("225", "Côte d’Ivoire"), ("226", "Burkina Faso"), ("227", "Niger"), ("228", "Togo"),
    ("229", "Benin"), ("230", "Mauritius"), ("231", "Liberia"), ("232", "Sierra Leone"), ("233", "Ghana"), ("234", "Nigeria"),
    ("235", "Chad"), ("236", "Central African Republic"), ("237", "Cameroon"), ("238", "Cabo Verde"),
    ("239", "São Tomé and Príncipe"), ("240", "Equatorial Guinea"), ("241", "Gabon"), ("242", "Congo"), ("243", "DR Congo"),
    ("244", "Angola"), ("245", "Guinea-Bissau"), ("246", "Diego Garcia"), ("247", "Ascension"), ("248", "Seychelles"),
    ("249", "Sudan"), ("250", "Rwanda"), ("251", "Ethiopia"), ("252", "Somalia"), ("253", "Djibouti"), ("254", "Kenya"),
    ("255", "Tanzania"), ("256", "Uganda"), ("257", "Burundi"), ("258", "Mozambique"), ("260", "Zambia"), ("261", "Madagascar"),
    ("262", "Réunion and Mayotte"), ("263", "Zimbabwe"), ("264", "Namibia"), ("265", "Malawi"), ("266", "Lesotho"),
    ("267", "Botswana"), ("268", "Eswatini"), ("269", "Comoros"), ("27", "South Africa"), ("290", "Saint Helena"),
    ("291", "Eritrea"), ("297", "Aruba"), ("298", "Faroe Islands"), ("299", "Greenland"), ("30", "Greece"),
    ("31", "Netherlands"), ("32", "Belgium"), ("33", "France"), ("34", "Spain"), ("350", "Gibraltar"), ("351", "Portugal"),
    ("352", "Luxembourg"), ("353", "Ireland"), ("354", "Iceland"), ("355", "Albania"), ("356", "Malta"), ("357", "Cyprus"),
    ("358", "Finland"), ("359", "Bulgaria"), ("36", "Hungary"), ("370", "Lithuania"), ("371", "Latvia"), ("372", "Estonia"),
    ("373", "Moldova"), ("374", "Armenia"), ("375", "Belarus"), ("376", "Andorra"), ("377", "Monaco"), ("378", "San Marino"),
    ("379", "Vatican"), ("380", "Ukraine"), ("381", "Serbia"), ("382", "Montenegro"), ("383", "Kosovo"), ("385", "Croatia"),
    ("386", "Slovenia"), ("387", "Bosnia and Herzegovina"), ("389", "North Macedonia"), ("39", "Italy"), ("3906698", "Vatican"),
    ("40", "Romania"), ("41", "Switzerland"), ("420", "Czechia"), ("421", "Slovakia"), ("423", "Liechtenstein"),
    ("43", "Austria"), ("44", "United Kingdom"), ("441481", "Guernsey"), ("441534", "Jersey"), ("441624", "Isle of Man"),
    ("45", "Denmark"), ("46", "Sweden"), ("47", "Norway"), ("48", "Poland"), ("49", "Germany"), ("500", "Falkland Islands"),
    ("501", "Belize"), ("502", "Guatemala"), ("503", "El Salvador"), ("504", "Honduras"), ("505", "Nicaragua"),
    ("506", "Costa Rica"), ("507", "Panama"), ("508", "Saint Pierre and Miquelon"), ("509", "Haiti"), ("51", "Peru"),
    ("52", "Mexico"), ("53", "Cuba"), ("54", "Argentina"), ("55", "Brazil"), ("56", "Chile"), ("57", "Colombia"),
    ("58", "Venezuela"), ("590", "Guadeloupe"), ("591", "Bolivia"), ("592", "Guyana"), ("593", "Ecuador"),
    ("594", "French Guiana"), ("595", "Paraguay"), ("596", "Martinique"), ("597", "Suriname"), ("598", "Uruguay"),
    ("599", "Curaçao and Caribbean Netherlands"), ("60", "Malaysia"), ("61", "Australia"), ("62", "Indonesia"),
    ("63", "Philippines"), ("64", "New Zealand"), ("65", "Singapore"), ("66", "Thailand"), ("670", "Timor-Leste"),
    ("672", "Australian territories"), ("673", "Brunei"), ("674", "Nauru"), ("675", "Papua New Guinea"), ("676", "Tonga"),
    ("677", "Solomon Islands"), ("678", "Vanuatu"), ("679", "Fiji"), ("680", "Palau"), ("681", "Wallis and Futuna"),
    ("682", "Cook Islands"), ("683", "Niue"), ("685", "Samoa"), ("686", "Kiribati"), ("687", "New Caledonia"),
    ("688", "Tuvalu"), ("689", "French Polynesia"), ("690", "Tokelau"), ("691", "Micronesia"), ("692", "Marshall Islands"),
    ("7", "Russia"), ("76", "Kazakhstan"), ("77", "Kazakhstan"), ("800", "International toll-free"),
    ("808", "International shared cost"), ("81", "Japan"), ("82", "South Korea"), ("84", "Vietnam"), ("850", "North Korea"),
    ("852", "Hong Kong"), ("853", "Macao"), ("855", "Cambodia"), ("856", "Laos"), ("86", "China"), ("870", "Inmarsat"),
    ("878", "Universal personal numbers"), ("880", "Bangladesh"), ("881", "Satellite networks"),
    ("882", "International networks"), ("883", "International networks"), ("886", "Taiwan"), ("888", "Disaster relief"),
    ("90", "Turkey"), ("91", "India"), ("92", "Pakistan"), ("93", "Afghanistan"), ("94", "Sri Lanka"), ("95", "Myanmar"),
    ("960", "Maldives"), ("961", "Lebanon"), ("962", "Jordan"), ("963", "Syria"), ("964", "Iraq"), ("965", "Kuwait"),
    ("966", "Saudi Arabia"), ("967", "Yemen"), ("968", "Oman"), ("970", "Palestine"), ("971", "United Arab Emirates"),
    ("972", "Israel"), ("973", "Bahrain"), ("974", "Qatar"), ("975", "Bhutan"), ("976", "Mongolia"), ("977", "Nepal"),
    ("979", "International premium"), ("98", "Iran"), ("992", "Tajikistan"), ("993", "Turkmenistan"), ("994", "Azerbaijan"),
    ("995", "Georgia"), ("996", "Kyrgyzstan"), ("998", "Uzbekistan"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_known_code_names_it() {
        let table = [
            ("442079460123", "United Kingdom"),
            ("441534123456", "Jersey"),
            ("12125550123", "United States"),
            ("14165550123", "Canada"),
            ("18765550123", "Jamaica"),
            ("77012345678", "Kazakhstan"),
            ("79161234567", "Russia"),
            ("882991234", "International networks"),
            ("35", UNKNOWN),
            ("", UNKNOWN),
            ("anonymous", UNKNOWN),
            ("４４", UNKNOWN),
        ];
        for (called, name) in table {
            assert_eq!(destination(called), name, "{called}");
        }
    }

    #[test]
    fn the_table_is_sorted_and_says_each_code_once() {
        assert!(CODES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(CODES.iter().all(|(code, name)| code.len() <= DIGITS_MAX && !name.is_empty()));
    }
}
