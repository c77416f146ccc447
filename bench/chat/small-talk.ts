/** Words of patients and doctors, in two languages that chat here. */
const words =
  `the patient has had headache since yesterday please come to ward three before noon blood pressure normal today take two tablets after
meals bệnh nhân đau đầu từ hôm qua xin bác sĩ xem kết quả xét nghiệm uống thuốc sau khi ăn ngày hai lần tái khám tuần tới cảm ơn
appointment moved prescription renewed fever cough allergy none thanks see you tomorrow morning results attached`.split(/\s+/);

/** Something to say: 4 to 24 words, 75 characters on average. */
export function smallTalk(): string {
  const length = 4 + Math.floor(Math.random() * 21);
  return Array.from({ length }, () => words[Math.floor(Math.random() * words.length)]).join(' ');
}
