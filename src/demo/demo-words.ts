/** The words of the demo: ours, with what breaks careless programs (quotes, commas, other scripts, characters beyond the BMP). */
export const words = {
  firstNames: ['Ada', 'Bo', 'Chidi', 'Dolores', 'Émile', 'Fatima', 'Gustav', 'Hana', 'Iwona', 'João', 'Kemal', 'Lin', 'Maeve', 'Nils', 'Oksana', 'Priya'],
  lastNames: ["O'Brien", 'Nakamura', 'García', 'Smith', 'D"Arcy', 'Müller', 'Kowalczyk', 'van der Berg', 'Öztürk', '𠮷田', "N'Diaye", 'Lopez', 'Berg', 'Tran', 'Cohen', 'Iyer'],
  companies: ['Pedal Post', 'Spoke & Sons', 'Chain, Gear and Co', 'The "Good" Wheel', "Rider's Rest", 'Velo Północ', 'Two Wheels 🚲', 'Hilltop Cycles', 'Canal Bikes', 'Tandem 1978'],
  streets: ['Mill Lane', 'Station Road', 'Rue de l’Église', 'Hauptstraße', 'Calle Mayor', 'Harbour View', "King's Row", 'Elm Street'],
  cities: ['Utrecht|Utrecht|Netherlands', 'Lyon|Rhône|France', 'Leeds|Yorkshire|United Kingdom', 'Portland|Oregon|United States', 'Kraków|Małopolska|Poland', 'Ōsaka|Ōsaka|Japan', 'Winnipeg|Manitoba|Canada', 'Cork|Munster|Ireland'],
  sellers: ['shop\\anna0', 'shop\\ben0', 'shop\\cleo0', 'shop\\dov1'],
  parents: ['Bikes', 'Components', 'Clothing', 'Accessories'],
  kinds: ['Mountain', 'Road', 'Touring', 'City'],
  things: ['Frames', 'Wheels', 'Saddles', 'Gloves', 'Lights', 'Pumps', 'Jerseys', 'Locks', 'Pedals', 'Helmets'],
  series: ['Aspen', 'Birch', 'Cedar', 'Dune', 'Ember', 'Fjord', 'Grove', 'Heath', 'Iris', 'Juniper', 'Kestrel', 'Larch', 'Moor', 'Nettle', 'Osprey', 'Pine'],
  colors: ['Black', 'Red', 'Silver', 'Blue', 'Yellow', 'White/Grün'],
  sizes: ['S', 'M', 'L', 'XL', '48', '52', '58'],
  cultures: ['en    ', 'fr    ', 'th    ', 'he    ', 'ar    ', 'zh-cht'],
  descriptions: ['Light, stiff and quiet; made for long days.', 'Léger et rigide, pour les longues journées.', 'เบาและแข็งแรง เหมาะกับวันยาวนาน', 'קל וחזק, לימים ארוכים', 'خفيف ومتين للأيام الطويلة', '輕巧堅固，適合長途騎行 𠀋'],
  shipMethods: ['CARGO TRANSPORT 5', 'BIKE COURIER', 'FREIGHT OVERNIGHT'],
} as const; // prettier-ignore
